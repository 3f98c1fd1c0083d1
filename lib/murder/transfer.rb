# frozen_string_literal: true

module Murder
  # One file to all peers, as tasks: each start with its stop, and whatever
  # happens, what was started is stopped, in reverse order. The tasks run with
  # their hooks, the stops also after a failure, so that a tracker which a hook
  # started is stopped by its hook.
  class Transfer
    Step = Struct.new(:says, :start, :stop)

    STEPS = [
      Step.new("Creating torrent...", "create_torrent", "clean_temp_files"),
      Step.new("Starting seeding...", "start_seeding", "stop_seeding"),
      Step.new("Peering...", "peer", "stop_peering")
    ].freeze

    TRACKER = Step.new("Starting the tracker...", "start_tracker", "stop_tracker")

    # @param runner an adapter: see {Tasks}
    # @param tracker [Boolean] whether the tracker belongs to it; else hooks start and stop one
    def initialize(runner, tracker: false)
      @runner = runner
      @steps = tracker ? [STEPS.first, TRACKER, *STEPS.drop(1)] : STEPS
    end

    # @raise the first thing that went wrong; a failed stop only if all else went well
    def call
      begun = []
      @steps.each do |step|
        begun.unshift(step)
        @runner.info(step.says)
        @runner.invoke(step.start)
      end
      done = true
    ensure
      problems = stop(begun)
      raise problems.first if done && problems.any?
    end

    private

    # @return [Array<Exception>]
    def stop(steps)
      return [] if steps.empty?

      @runner.info("Stopping peers and seeder, cleaning up...")
      @runner.cleaning { steps.each { |step| @runner.attempt { @runner.invoke(step.stop) } } }
    end
  end
end
