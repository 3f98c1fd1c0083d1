# frozen_string_literal: true

require "murder/capistrano3/crew"

RSpec.describe Murder::Capistrano3::Crew do
  subject(:crew) { described_class.new }

  it "lets threads begin until it is dismissed, and none after that" do
    expect(crew.join?(Thread.new { nil })).to be(true)
    crew.dismiss
    expect(crew.join?(Thread.new { nil })).to be(false)
  end

  it "ends those that have begun" do
    thread = Thread.new { sleep }
    crew.join?(thread)
    crew.dismiss
    expect(thread).not_to be_alive
  end
end
