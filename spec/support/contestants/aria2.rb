# frozen_string_literal: true

class Contestant
  # aria2c
  class Aria2 < Contestant
    named "aria2", "aria2c", "aria2"

    private

    def seed_command = command("--check-integrity=true")
    def fetch_command = command("--on-bt-download-complete=#{hook}")

    def command(option)
      ["aria2c", "--no-conf", "--dir=#{path("data")}", "--listen-port=#{port}", "--interface=#{address}",
       "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false",
       "--disable-ipv6=true", "--file-allocation=none", "--seed-ratio=0.0", "--bt-max-peers=0",
       "--summary-interval=0", "--show-console-readout=false", "--max-upload-limit=0", option, torrent]
    end
  end
end
