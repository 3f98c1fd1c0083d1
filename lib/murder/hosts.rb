# frozen_string_literal: true

module Murder
  # Who plays which part when the Capfile does not say.
  module Hosts
    # @return [Array<Symbol>] murder's own roles
    ROLES = %i[peer tracker seeder].freeze

    module_function

    # Every server of every other role, each once, but for those that get no
    # releases.
    #
    # @param roles [Hash{Symbol => #to_a}] all roles with their servers
    # @yieldparam server a server
    # @yieldreturn [Boolean] whether it is `:no_release`
    # @return [Array] servers
    def peers(roles, &no_release)
      roles.reject { |name, _| ROLES.include?(name.to_sym) }.values.flat_map(&:to_a).reject(&no_release).uniq
    end

    # @param peers [Array] the servers of the role `peer`
    # @return [Array] the server that is tracker, or seeder
    def first(peers)
      peers.first(1)
    end
  end
end
