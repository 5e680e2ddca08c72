/** Where a subscription is fetched. */
import { Secret } from '../base/secret.ts';
import { Fault } from './leaf.ts';
import { cut } from './link_parts.ts';

export const SUBSCRIPTION_FORM = 'an https:// URL';

/** A fault shows nothing of the URL: those who know it have the upstreams. */
export function parseSubscriptionUrl(text: string): Secret | Fault {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const url = scheme === 'https' ? URL.parse(text) : null;
  if (url && url.username === '' && url.password === '') return new Secret(text);
  if (url) return new Fault(SUBSCRIPTION_FORM, { found: 'one with a user in it' });
  if (scheme === 'http') {
    const hint = 'over http:// anybody on the way could change it';
    return new Fault(SUBSCRIPTION_FORM, { found: 'an http:// link', hint });
  }
  if (scheme === 'https') return new Fault(SUBSCRIPTION_FORM, { found: 'a malformed one' });
  return new Fault(SUBSCRIPTION_FORM, {
    found: scheme === undefined ? 'a text without https://' : `a ${scheme}:// link`,
  });
}

/**
 * Of an https:// link, which may be a proxy or a subscription: is it a subscription? A proxy has a port, and nothing
 * behind it but a "/" and the options of TLS.
 */
export function isSubscriptionUrl(text: string): boolean {
  const [scheme, rest] = cut(text.trim(), '://');
  if (scheme.toLowerCase() !== 'https') return false;
  const [authority, path] = cut(/^[^?#]*/.exec(rest)![0], '/');
  const hasPort = /:[^\]]*$/.test(authority.slice(authority.lastIndexOf('@') + 1));
  return path !== '' || !hasPort;
}

export const SUBSCRIPTION_HINT =
  'if it is a subscription: snet init --subscription URL, or { "type": "subscription", "url": … } in the file';
