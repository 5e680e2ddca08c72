/** What the programs print, word for word. */

/** Of `pfctl -E`, -X, -s info and -s References: recorded on macOS 26.5.2, arm64, in the logs of a public project. */
export const INFO_DISABLED = `\
Status: Disabled                              Debug: Urgent

State Table                          Total             Rate
  current entries                        0               
  searches                               0            0.0/s
`;
export const INFO_ENABLED = INFO_DISABLED.replace(
  'Disabled                     ',
  'Enabled for 0 days 00:00:00  ',
);
export const NO_REFERENCES = 'No pf starter references held\n';
export const TWO_REFERENCES = `\
TOKENS:
PID      Process Name                 TOKEN                    TIMESTAMP
4077     pfctl                        9084387343160548126      0 days 00:00:00
4063     pfctl                        15053025338191571182     1 days 00:01:06
`;
export const ENABLED = 'pf enabled\nToken : 11012949885072952621\n';
export const STALE_WHILE_OFF = 'pfctl: pf not enabled\n';
export const STALE_WHILE_ON = 'pfctl: pf: token invalid\n';

/** On stderr of nearly every call. */
export const NOTICES = 'No ALTQ support in kernel\nALTQ related functions disabled\n';
/** And of one that loads rules. */
export const LOAD_NOTICES = `\
pfctl: Use of -f option, could result in flushing of rules
present in the main ruleset added by the system at startup.
See /etc/pf.conf for further details.

${NOTICES}`;

/** The main ruleset of macOS as it comes, `pfctl -sn` and `-sr`; and with Internet Sharing on (macOS 12 to 15). */
export const STOCK_TRANSLATION = 'nat-anchor "com.apple/*" all\nrdr-anchor "com.apple/*" all\n';
export const STOCK_FILTER = 'scrub-anchor "com.apple/*" all fragment reassemble\nanchor "com.apple/*" all\n';
export const SHARING_TRANSLATION = `\
nat-anchor "com.apple/*" all
nat-anchor "com.apple.internet-sharing" all
rdr-anchor "com.apple/*" all
rdr-anchor "com.apple.internet-sharing" all
`;
export const SHARING_FILTER = `\
scrub-anchor "com.apple/*" all fragment reassemble
scrub-anchor "com.apple.internet-sharing" all fragment reassemble
anchor "com.apple/*" all
anchor "com.apple.internet-sharing" all
`;

/** `pfctl -s Interfaces -i lo0 -v`, as pf_print_iface() of OpenBSD's pfctl writes it; the flag as macOS 14 and 15 users report. */
export const LOOPBACK_LOOKED_AT = `\
lo0
	Cleared:     Mon Nov 23 10:00:00 2026
	References:  [ States:  0                  Rules: 8                  ]
	In4/Pass:    [ Packets: 0                  Bytes: 0                  ]
`;
export const LOOPBACK_SKIPPED = LOOPBACK_LOOKED_AT.replace('lo0', 'lo0 (skip)');
