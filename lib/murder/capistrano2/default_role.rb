# frozen_string_literal: true

require "capistrano/role"

module Murder
  class Capistrano2
    # A role that stands for its default as long as the Capfile gives it no
    # server.
    class DefaultRole < ::Capistrano::Role
      # @param given [::Capistrano::Role] what was defined before murder was loaded
      # @yieldreturn [Array] the default servers, asked for anew each time
      def initialize(given, &default)
        super()
        @given = given
        @default = default
      end

      def servers
        own = @given.servers + super
        own.empty? ? @default.call : own
      end
      alias to_ary servers

      def clear
        @given.clear
        super
      end
    end
  end
end
