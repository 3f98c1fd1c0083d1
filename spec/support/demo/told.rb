# frozen_string_literal: true

require "json"
require "net/http"
require_relative "../hosts/processes"

module Demo
  # What the peers told the tracker about themselves when they were complete: all
  # there is to count by where hosts have no network interfaces of their own.
  class Told
    # @param port [Integer] the tracker's
    def initialize(hosts, port)
      @hosts = hosts
      @stats = URI("http://#{hosts.first.address}:#{port}/stats")
      @told = {}
    end

    # Asks until all of them but the seeder, the first, which has the file, said
    # that they are complete, or time is up.
    def wait(timeout: 4)
      deadline = Hosts::Processes.now + timeout
      ask
      until all? || Hosts::Processes.now > deadline
        sleep 0.02
        ask
      end
    end

    # { host => [bytes down, bytes up] }. The seeder says nothing between start and
    # end, so what nobody else says to have sent is put down to it.
    def traffic
      return {} unless all?

      { @hosts.first => [0, @told.values.sum(&:first) - @told.values.sum(&:last)], **@told }
    end

    private

    def all?
      (@hosts.drop(1) - @told.keys).empty?
    end

    def ask
      owners = @hosts.drop(1).flat_map { |host| host.listening.map { |port| [port, host] } }.to_h
      complete.each do |peer|
        host = owners[peer["address"][/\d+\z/].to_i]
        @told[host] = peer.values_at("downloaded", "uploaded") if host
      end
    end

    def complete
      peers = JSON.parse(Net::HTTP.get(@stats)).fetch("swarms").flat_map { |swarm| swarm.fetch("peers") }
      peers.select { |peer| peer["left"].zero? && peer["downloaded"].positive? }
    rescue SystemCallError, IOError, JSON::ParserError
      [] # it may not answer yet
    end
  end
end
