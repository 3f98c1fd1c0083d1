# frozen_string_literal: true

require "json"

class Contestant
  # transmission-cli
  class Transmission < Contestant
    named "transmission", "transmission-cli", "transmission-cli"

    SETTINGS = {
      "dht-enabled" => false, "lpd-enabled" => false, "pex-enabled" => true, "utp-enabled" => false,
      "port-forwarding-enabled" => false, "bind-address-ipv6" => "::1", "encryption" => 0,
      "preallocation" => 0, "speed-limit-down-enabled" => false, "speed-limit-up-enabled" => false,
      "ratio-limit-enabled" => false, "idle-seeding-limit-enabled" => false, "upload-slots-per-torrent" => 8,
      "cache-size-mb" => 64, "peer-limit-per-torrent" => 200, "download-queue-enabled" => false
    }.freeze

    def self.unreachable_at(net)
      "transmission talks to no address in 127.0.0.0/8; others take root" if net == "127.0"
    end

    # It looks at its peers every 10 seconds only, to tell its interest as to
    # unchoke: so the seed looks next right after the downloaders' first look.
    def self.settle = 9.3

    private

    def seed_command = command("--verify")
    def fetch_command = command("--finish", hook)

    def command(*options)
      write("config/settings.json", JSON.dump(SETTINGS.merge("bind-address-ipv4" => address)))
      ["transmission-cli", "--config-dir", path("config"), "--download-dir", path("data"), "--port", port,
       "--no-portmap", "--no-uplimit", "--no-downlimit", *options, torrent]
    end
  end
end
