# frozen_string_literal: true

require_relative "../support/contestants"

module Lab
  # A client of somebody else's (::Contestant), with our tracker and the same torrent.
  class Foreign < Contestant
    PORT = 6881
    # Says what the client's hook writes into the pipe, and ends with it.
    WRAP = <<~SH
      { "$@" > client.log 2>&1; echo "ended with $?" > done; } &
      read -r word < done; echo "$word"
      [ "$word" = done ] || { tail -n 3 client.log >&2; exit 1; }
      wait
    SH

    def initialize(network, kind)
      super(network)
      @kind = kind
      @ours = Murder.new(network)
    end

    def name = @kind.label
    def settle = @kind.settle

    def prepare
      @ours.prepare
      network.receivers.each { |node| File.mkfifo(network.path(node.dir, "done")) }
    end

    def servers
      [@ours.tracker, ["seeder", ["sh", "-c", 'exec "$@" > client.log 2>&1', "sh",
                                  *client(network.seeder).seed_argv(network.payload)], :announced]]
    end

    def ready?(what) = @ours.ready?(what)
    def receiver(node) = ["sh", "-c", WRAP, "sh", *client(node).fetch_argv]
    def output(node) = "#{node.dir}/data/payload"

    private

    def client(node)
      @kind.new(node.dir, torrent: @ours.torrent, address: node.address, port: PORT, root: network.path("").chomp("/"))
    end
  end
end
