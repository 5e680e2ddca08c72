/** What `scutil --dns` has printed on people's machines, as they have reported it; of resolvers by multicast only the first. */

const MDNS = `
resolver #2
  domain   : local
  options  : mdns
  timeout  : 5
  flags    : Request A records
  reach    : 0x00000000 (Not Reachable)
  order    : 300000
`;

export const SCUTIL = {
  /** macOS 26, rthalley/dnspython#1241, 2025-12. */
  fritzBox: `DNS configuration

resolver #1
  search domain[0] : fritz.box
  nameserver[0] : 192.168.10.1
  nameserver[1] : fde2:c0d2:6cb1:0:62b5:8dff:fecc:bddf
  nameserver[2] : 2a02:8109:b59e:7800:62b5:8dff:fecc:bddf
  if_index : 14 (en0)
  flags    : Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)
${MDNS}
DNS configuration (for scoped queries)

resolver #1
  search domain[0] : fritz.box
  nameserver[0] : 192.168.10.1
  if_index : 14 (en0)
  flags    : Scoped, Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)
`,

  /** macOS 10.15, rthalley/dnspython#481, 2020-05. */
  linkLocal: `DNS configuration

resolver #1
  nameserver[0] : fe80::8e3b:adff:fead:7bf6%en0
  nameserver[1] : 192.168.1.1
  if_index : 7 (en0)
  flags    : Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)
`,

  /** macOS 14, firezone/firezone#6220, 2024-08: match domains of a VPN that are empty. */
  vpnForAll: `DNS configuration

resolver #1
  search domain[0] : attlocal.net
  nameserver[0] : 100.100.111.1
  nameserver[1] : fd00:2021:1111:8000:100:100:111:0
  if_index : 35 (utun8)
  flags    : Supplemental, Request A records, Request AAAA records
  reach    : 0x00000003 (Reachable,Transient Connection)
  order    : 103200

resolver #2
  nameserver[0] : 2600:1700:3ecb:2410::1
  nameserver[1] : 192.168.1.254
  if_index : 13 (en0)
  flags    : Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)
  order    : 200000
${MDNS.replace('#2', '#3')}`,

  /** Put together of juanfont/headscale#1664 (2023-12) and tailscale/tailscale#13653 (2024-10), macOS 13 to 15. */
  tailscale: `DNS configuration

resolver #1
  nameserver[0] : 192.168.100.101
  nameserver[1] : 192.168.100.102
  if_index : 15 (en0)
  flags    : Request A records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)
${MDNS}
resolver #25
  domain   : tail3b1a8.ts.net
  nameserver[0] : 100.100.100.100
  flags    : Request A records, Request AAAA records
  reach    : 0x00000002 (Reachable)

resolver #26
  domain   : 64.100.in-addr.arpa
  nameserver[0] : 100.100.100.100
  flags    : Request A records, Request AAAA records
  reach    : 0x00000002 (Reachable)

resolver #27
  domain   : search.tailscale
  search domain[0] : test.local
  search domain[1] : user1.ts.local
  flags    : Request A records
  reach    : 0x00000000 (Not Reachable)

DNS configuration (for scoped queries)

resolver #1
  nameserver[0] : 192.168.100.101
  nameserver[1] : 192.168.100.102
  if_index : 15 (en0)
  flags    : Scoped, Request A records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)
`,

  /** macOS 10.14, eduvpn/macos#144, 2018-10: only scoped queries have a resolver. */
  offline: `DNS configuration

resolver #1
  flags    : Request A records, Request AAAA records
  reach    : 0x00000000 (Not Reachable)
${MDNS}
DNS configuration (for scoped queries)

resolver #1
  search domain[0] : openvpn
  nameserver[0] : 192.87.106.106
  nameserver[1] : 192.87.36.36
  nameserver[2] : 2001:610:1:800a:192:87:106:106
  if_index : 9 (utun1)
  flags    : Scoped, Request A records, Request AAAA records
  reach    : 0x00000002 (Reachable)
`,
} as const;
