# frozen_string_literal: true

require "open3"
require_relative "../support/contestants"
require_relative "report"

# The section of doc/PERFORMANCE.md that names the clients, their versions and
# what they were told (spec/support/contestants), with what we found out.
module Clients
  ROWS = [
    ["aria2", %w[aria2c --version], /version (\S+)/,
     "no limit of peers and of upload, no preallocation, no seed ratio; its choking (four uploads, every 10 s) is " \
     "fixed"],
    ["libtorrent", [Contestant::Libtorrent::PYTHON, "-c", "import libtorrent; print(libtorrent.version)"], /(\S+)/,
     "4 upload slots (of 4 and 16, with 16 hosts at 50 Mbit/s, 4 were faster: 24.7 s, not 28.0 s), 200 new " \
     "connections a second, a seed need not check its file"],
    ["rtorrent", %w[rtorrent -h], /version (\S+)/,
     "as a daemon, 4 upload slots (16 in the tables of 2026-11-22, where its seed sent 5.7 " \
     "copies to 16 hosts: the next run will show it faster), 100 to 200 " \
     "peers, no second check of what is complete"],
    ["transmission", %w[transmission-cli -V], /transmission-cli (\S+)/,
     "8 upload slots (4 and 8 are alike), cache of 64 MiB, 200 peers, no queue. It looks at its peers every 10 s " \
     "(`RECHOKE_PERIOD_MSEC`, a constant) to tell its interest as to unchoke, and asks for blocks every half second, " \
     "at most 512 at once: nothing moves for the first 10 to 20 s, and one connection carries 16 MiB/s at most " \
     "(the project's issues 1439 and 6986). That, and no setting, is why it is slow here. Its seed is started 9.3 s " \
     "before the downloaders, which makes the wait the shortest"]
  ].freeze

  def self.version(argv, pattern)
    Open3.capture2e(*argv).first[pattern, 1]
  rescue Errno::ENOENT
    nil
  end

  def self.write
    rows = ROWS.map { |name, argv, pattern, told| [name, version(argv, pattern) || "not there", told] }
    Report.write("clients", "The other clients", <<~TEXT)
      Debian's packages, all with our tracker (`interval` 15 s), the same torrent, over TCP without encryption, DHT, local discovery, uTP and port mapping, each the best way we found for a private network:

      #{Report.table(%w[client version settings], rows)}
    TEXT
  end
end
