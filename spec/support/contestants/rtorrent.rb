# frozen_string_literal: true

class Contestant
  # rtorrent, without its screen.
  class Rtorrent < Contestant
    named "rtorrent", "rtorrent", "rtorrent"

    SETTINGS = <<~RC
      system.daemon.set = true
      system.umask.set = 0022
      dht.mode.set = disable
      protocol.pex.set = yes
      protocol.encryption.set = none
      trackers.use_udp.set = no
      network.port_random.set = no
      network.max_open_sockets.set = 600
      system.file.allocate.set = 0
      pieces.hash.on_completion.set = no
      throttle.min_peers.normal.set = 100
      throttle.max_peers.normal.set = 200
      throttle.min_peers.seed.set = 100
      throttle.max_peers.seed.set = 200
      throttle.max_uploads.set = 4
    RC

    private

    def seed_command = command
    def fetch_command = command("method.set_key = event.download.finished, told, \"execute.nothrow.bg=#{hook}\"\n")

    def command(more = "")
      rc = write("rtorrent.rc", <<~RC)
        #{SETTINGS}#{more}directory.default.set = #{path("data")}
        network.port_range.set = #{port}-#{port}
        network.bind_address.set = #{address}
        network.local_address.set = #{address}
        load.start = #{torrent}
      RC
      ["rtorrent", "-n", "-o", "import=#{rc}"]
    end
  end
end
