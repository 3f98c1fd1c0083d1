# frozen_string_literal: true

$LOAD_PATH.unshift File.expand_path("../lib", __dir__)

require_relative "support/golden"

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.order = :random
  config.expect_with(:rspec) { |expect| expect.max_formatted_output_length = nil }
  config.mock_with(:rspec) { |mocks| mocks.verify_partial_doubles = true }
end
