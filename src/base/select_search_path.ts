/** Where programs are looked for. */

const SYSTEM = '/usr/sbin:/usr/bin:/sbin:/bin';
const LOCAL = '/usr/local/sbin:/usr/local/bin';

/**
 * Not the user's own PATH: sudo may have left us without the sbin folders. On a Mac, Homebrew's folders belong to a user who
 * is not root: a program of the system's name there must not be the one that we start as root, so they come last, for plugins.
 */
export function searchPath(platform: NodeJS.Platform = process.platform): string {
  return platform === 'darwin' ? `${SYSTEM}:${LOCAL}:/opt/homebrew/bin` : `${LOCAL}:${SYSTEM}`;
}
