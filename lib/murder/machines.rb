# frozen_string_literal: true

require_relative "errors"

module Murder
  # Which servers are one machine under two names, as their hosts tell it with
  # the line of {Scripts::MACHINE}. One that cannot tell is taken for another.
  module Machines
    LINE = /^machine (\S+ \d+:\d+.*)$/
    private_constant :LINE

    module_function

    # @param servers [Array]
    # @param said [Hash] server => what it printed
    # @return [Array<Array>] the servers of each machine, in their order
    def group(servers, said)
      servers.group_by { |server| said.fetch(server, "")[LINE, 1] || server }.values
    end

    # @param runner an adapter: see {Tasks}
    # @raise [HostsError] naming those that are one machine
    def refuse_twins(runner, servers, said)
      twins = group(servers, said).reject(&:one?)
      return if twins.empty?

      names = twins.map { |those| those.map { |server| runner.host_name(server) }.join(" and ") }
      raise HostsError, "#{names.join(", ")}: the same machine under two names, or two with one remote_murder_path: " \
                        "name it once in the role peer"
    end
  end
end
