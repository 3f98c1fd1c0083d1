# frozen_string_literal: true

require "ipaddr"

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

    # A name, or an address; what has a colon is one of IPv6, not a host with a
    # port, and without a zone, which would mean something else on every host.
    #
    # @return [Boolean]
    def name?(text)
      return text.match?(/\A[A-Za-z0-9._-]+\z/) unless text.include?(":")

      address = text[/\A\[(.*)\]\z/, 1] || text
      address.match?(/\A[\h:.]+\z/) && IPAddr.new(address).ipv6?
    rescue IPAddr::Error
      false
    end
  end
end
