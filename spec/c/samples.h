/*
 * Bytes that several tests begin with: a good .torrent in parts, and a
 * handshake.
 */
#ifndef MURDER_SPEC_SAMPLES_H
#define MURDER_SPEC_SAMPLES_H

#define HASH "0123456789abcdefghij"
#define URL "http://10.0.0.1:8998/announce"
#define ANNOUNCE "8:announce29:" URL
#define NAME "4:name5:a.tgz"
#define SIZE "12:piece lengthi262144e"
#define INFO "d6:lengthi5e" NAME SIZE "6:pieces20:" HASH "e"
#define TORRENT "d" ANNOUNCE "4:info" INFO "e"

#define INFO_HASH "hhhhhhhhhhhhhhhhhhhh"
#define PEER_ID "-MU0001-0123456789ab"
#define HANDSHAKE "\023BitTorrent protocol\0\0\0\0\0\x10\0\4" INFO_HASH PEER_ID

#endif
