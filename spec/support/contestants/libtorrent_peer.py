"""libtorrent_peer.py seed|fetch TORRENT DIRECTORY ADDRESS PORT DONE

One torrent by libtorrent, TCP only, without DHT, LSD, UPnP and NAT-PMP; the
file DONE (which may be a pipe) is written to when the download is complete. Goes on until SIGTERM.
"""
import signal
import sys

import libtorrent as lt

mode, torrent, directory, address, port, done = sys.argv[1:]
session = lt.session({
    "listen_interfaces": f"{address}:{port}",
    "outgoing_interfaces": address,
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "allow_multiple_connections_per_ip": True,
    "connection_speed": 200,
    "unchoke_slots_limit": 4,
    "stop_tracker_timeout": 1,
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(torrent)
params.save_path = directory
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
if mode == "seed":
    params.flags |= lt.torrent_flags.seed_mode
session.add_torrent(params)

running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
while running:
    session.wait_for_alert(200)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.torrent_finished_alert) and mode == "fetch":
            with open(done, "w") as told:
                told.write("done\n")
        elif isinstance(alert, (lt.tracker_error_alert, lt.torrent_error_alert)):
            print(alert.message(), file=sys.stderr, flush=True)
