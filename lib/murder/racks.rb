# frozen_string_literal: true

require_relative "errors"

module Murder
  # The racks that servers are in, where the Capfile tells: their property `rack`.
  module Racks
    # What murder_client takes for --rack.
    LABEL = /\A[!-~]{1,63}\z/
    private_constant :LABEL

    module_function

    # @param runner an adapter: see {Tasks}
    # @return [Hash] server => label or nil
    # @raise [OptionError] naming the server
    def of(runner, servers)
      servers.to_h { |server| [server, label(runner, server)] }
    end

    # @param racks [Hash] server => label or nil
    # @yieldparam rack [String, nil]
    # @yieldreturn [Command]
    # @return [Command, Hash] one for all servers, or server => its own
    def each(racks)
      commands = racks.values.uniq.to_h { |rack| [rack, yield(rack)] }
      commands.one? ? commands.values.first : racks.transform_values { |rack| commands[rack] }
    end

    def label(runner, server)
      rack = runner.property(server, :rack).to_s
      return if rack.empty?
      return rack if rack.match?(LABEL)

      raise OptionError, "the rack of #{runner.host_name(server)} is #{rack.inspect}: it must be 1 to 63 printable " \
                         "ASCII characters without blanks"
    end
  end
end
