/** Where what outlives a restart is kept. */
import type { Config } from '../config/config.ts';
import { STATE_DIRECTORY } from '../config/dns_schema.ts';

export function stateDirectoryOf({ dns }: Pick<Config, 'dns'>): string {
  return dns?.cache.directory ?? STATE_DIRECTORY;
}
