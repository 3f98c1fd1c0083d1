"""A libtorrent peer on loopback.

libtorrent_peer.py seed|fetch TORRENT DIRECTORY SECONDS: fetch ends when the
file is complete, with status 1 if that takes too long; seed ends after SECONDS.
"""
import sys
import time

import libtorrent

what, torrent, directory, seconds = sys.argv[1:5]
session = libtorrent.session({
    "listen_interfaces": "127.0.0.1:0", "allow_multiple_connections_per_ip": True,
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False})
handle = session.add_torrent({"ti": libtorrent.torrent_info(torrent), "save_path": directory})
end = time.time() + float(seconds)
while time.time() < end:
    if what == "fetch" and handle.status().is_seeding:
        sys.exit(0)
    time.sleep(0.05)
sys.exit(0 if what == "seed" else 1)
