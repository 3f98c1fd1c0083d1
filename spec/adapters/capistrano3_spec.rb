# frozen_string_literal: true

require "tmpdir"
require_relative "../support/recorded_capistrano3"
require_relative "shared_examples"

RSpec.describe "Capistrano 3", skip: RecordedCapistrano3::MISSING do
  include_context "with Capistrano 3"

  let(:standalone) do
    <<~RUBY
      set :remote_murder_path, "/opt/murder"
      role :peer, %w[h1 h2 h3]
      role :seeder, "h1"
      role :tracker, "h1"
    RUBY
  end

  it_behaves_like "murder on Capistrano"
end
