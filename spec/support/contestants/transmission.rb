# frozen_string_literal: true

require "json"

class Contestant
  # transmission-cli
  class Transmission < Contestant
    named "transmission", "transmission-cli", "transmission-cli"

    SETTINGS = {
      "dht-enabled" => false, "lpd-enabled" => false, "pex-enabled" => false, "utp-enabled" => false,
      "port-forwarding-enabled" => false, "bind-address-ipv6" => "::1", "encryption" => 0,
      "preallocation" => 0, "speed-limit-down-enabled" => false, "speed-limit-up-enabled" => false,
      "ratio-limit-enabled" => false, "idle-seeding-limit-enabled" => false, "upload-slots-per-torrent" => 16
    }.freeze

    def self.unreachable_at(net)
      "transmission talks to no address in 127.0.0.0/8; others take root" if net == "127.0"
    end

    private

    def seed_command = command("--verify")
    def fetch_command = command("--finish", hook)

    def command(*options)
      FileUtils.mkdir_p(path("config"))
      File.write(path("config/settings.json"), JSON.dump(SETTINGS.merge("bind-address-ipv4" => address)))
      ["transmission-cli", "--config-dir", path("config"), "--download-dir", path("data"), "--port", port,
       "--no-portmap", "--no-uplimit", "--no-downlimit", *options, torrent]
    end
  end
end
