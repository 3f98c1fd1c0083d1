# frozen_string_literal: true

module Lab
  # A plain copy from host 0 to everybody at once: what scp in a loop does.
  class FanOut < Contestant
    PORT = 9000

    def name = "plain copy"
    def servers = [["server", [Lab.tool("lab_copy"), "serve", PORT.to_s, network.payload], /serving/]]

    def receiver(node)
      [Lab.tool("lab_copy"), "fetch", network.seeder.address, PORT.to_s, output(node)]
    end
  end
end
