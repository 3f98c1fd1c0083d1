# frozen_string_literal: true

module Lab
  # What one TCP flow carries over a link of the lab, measured by a plain copy
  # from host 0 to host 1, with racks between two hosts of the first: the c of
  # every bound.
  class LinkSpeed
    PORT = 9000

    # bytes_per_second of payload; overhead: bytes on the wire for one of payload;
    # cpu: seconds of both programs for a GiB.
    attr_reader :bytes_per_second, :overhead, :seconds, :cpu_per_gib

    def initialize(network)
      @network = network
      @from, @to = network.settings.racks.zero? ? network.nodes.first(2) : network.receivers.first(2)
      measure
    end

    private

    def measure
      server = start(@from, "copy-server", "serve", PORT.to_s, @network.payload)
      raise Error, "the plain copy's server: #{server.complaint}" unless @network.wait_until(10) do
        server.said(/serving/)
      end

      sent = @network.sent(@from)
      client = start(@to, "copy", "fetch", @from.address, PORT.to_s, "copy")
      limit = 30 + (@network.settings.size * 80 / @network.settings.rate)
      raise Error, "the plain copy failed: #{client.complaint}" unless @network.wait_until(limit) do
        client.said(/done/)
      end

      @seconds = client.said(/done/) - client.started
      @bytes_per_second = @network.settings.size / @seconds
      @overhead = (@network.sent(@from) - sent).fdiv(@network.settings.size)
      [client, server].each(&:close)
      @cpu_per_gib = (client.cpu + server.cpu) * (1 << 30) / @network.settings.size
    ensure
      @network.clear
    end

    def start(node, name, *argv)
      program = @network.program(node, name, [Lab.tool("lab_copy"), *argv])
      raise Error, "#{name}: lab_run does not start" unless @network.wait_until(10) { program.ready? }

      program.tap(&:go)
    end
  end
end
