/** Where programs are looked for. Not the user's own PATH: sudo may have left us without the sbin folders. */

const SYSTEM = '/usr/sbin:/usr/bin:/sbin:/bin';
const LOCAL = '/usr/local/sbin:/usr/local/bin';

/**
 * What we start by ourselves, as root. On a Mac, Homebrew's folders belong to a user who is not root, and nothing there is to
 * become root because it has the name of a program that we look for: all that we need is a part of macOS.
 */
export function systemPath(platform: NodeJS.Platform = process.platform): string {
  return platform === 'darwin' ? SYSTEM : `${LOCAL}:${SYSTEM}`;
}

/** What somebody has named in the configuration: a plugin. */
export function pluginPath(platform: NodeJS.Platform = process.platform): string {
  return platform === 'darwin' ? `${SYSTEM}:${LOCAL}:/opt/homebrew/bin` : systemPath(platform);
}
