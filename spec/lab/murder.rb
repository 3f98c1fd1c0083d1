# frozen_string_literal: true

module Lab
  # Our own three programs.
  class Murder < Contestant
    PORT = 8998

    def prepare
      network.run(network.seeder, program("murder_make_torrent"), network.payload,
                  "#{network.seeder.address}:#{PORT}", torrent, "--piece-length", settings.piece.to_s)
             .then { |result| raise Error, result.text unless result.ok? }
    end

    def servers
      [tracker, ["seeder", [program("murder_client"), "seeder", torrent, network.payload, network.seeder.address,
                            *home, *stripes], :announced]]
    end

    # The tracker alone, for the others as well.
    def tracker = ["tracker", [program("murder_tracker"), "--port", PORT.to_s, *home], :listening]

    # The tracker listens; the seeder is on its list.
    def ready?(what)
      stats = network.run(network.seeder, "curl", "-sf", "http://127.0.0.1:#{PORT}/stats").out
      what == :listening ? !stats.empty? : n_peers(stats).positive?
    end

    def n_peers(stats = network.run(network.seeder, "curl", "-sf", "http://127.0.0.1:#{PORT}/stats").out)
      stats.scan('"left":').size
    end

    def receiver(node)
      [program("murder_client"), "peer", torrent, output(node), node.address, "--progress",
       "--linger", settings["LINGER"], "--run-dir", "#{node.dir}/run", *stripes, *rack(node)]
    end

    # Where a receiver keeps what it has so far.
    def partial(node) = "#{output(node)}.part"

    def torrent = "#{Network::DIR}/payload.torrent"

    private

    def rack(node)
      return ["--rack", "rack#{node.rack}"] if settings.racks_by?("label")

      settings.racks_by?("subnet") ? ["--rack-by", "24"] : []
    end

    def stripes = settings.flag?("STRIPES") ? [] : ["--no-stripes"]

    def home = ["--run-dir", "#{network.seeder.dir}/run"]
    def program(name) = File.join(PROGRAMS, name)
  end
end
