# frozen_string_literal: true

module Murder
  class Capistrano3
    # The threads of one step, a host each. Once they are dismissed none of them
    # begins any more: one that had not had its turn yet when Ctrl-C came would
    # start what is being stopped.
    class Crew
      def initialize
        @threads = []
        @lock = Mutex.new
        @dismissed = false
      end

      # @param thread [Thread]
      # @return [Boolean] whether it may begin
      def join?(thread)
        @lock.synchronize do
          @threads << thread unless @dismissed
          !@dismissed
        end
      end

      # Ends those that have begun, and waits a second for each.
      def dismiss
        @lock.synchronize { @dismissed = true }
        @threads.each(&:kill).each { |thread| thread.join(1) }
      end
    end
  end
end
