/** The demo's Shadowsocks server: what `snet server` is, with one line for each connection that did not end well. */
import { startServer } from '../app/server/start.ts';
import { line, type Log } from '../base/log.ts';
import { loadServerText } from '../config/load_server.ts';

export interface FarEndOptions {
  readonly method: string;
  readonly password: string;
  /** On all addresses. */
  readonly port: number;
  readonly log: (line: string) => void;
}

/** Serves until the process ends. @throws ListenError */
export function startFarEnd({ method, password, port, log }: FarEndOptions): void {
  const listener = { type: 'shadowsocks', listen: String(port), method, password };
  const text = JSON.stringify({ server: { listeners: [listener] } });
  startServer(loadServerText({ name: 'demo', text }), MOST, warningsTo(log));
}

/** Connections at once; the demo has some hundred. */
const MOST = 10_000;

function warningsTo(say: (line: string) => void): Log {
  const nothing = () => {};
  return {
    debugging: false,
    error: (...said) => say(line(...said)),
    warn: (...said) => say(line(...said)),
    info: nothing,
    debug: nothing,
    setLevel: nothing,
  };
}
