# frozen_string_literal: true

module Lab
  # Something that brings a payload from host 0 to all others. A subclass gives
  # the commands; a run starts and watches them.
  class Contestant
    attr_reader :network

    def initialize(network)
      @network = network
    end

    # What it is called in tables.
    def name = self.class.name.split("::").last.downcase

    # Whether its programs are on this machine.
    def self.available? = true

    # Makes, before the clock runs, what its programs need on the hosts.
    def prepare; end

    # [name, argv, pattern of the line that tells it is ready (or nil)] of what
    # runs on host 0, in order.
    def servers = []

    # Seconds the seeder should have been up before the receivers start.
    def settle = 0

    # argv of a receiver.
    def receiver(_node) = raise(NotImplementedError)

    # The line of its standard output by which a receiver tells that it has all.
    def done = /\Adone\b/

    # Where a receiver has the payload in the end.
    def output(node) = "#{node.dir}/payload"

    def settings = network.settings
  end
end
