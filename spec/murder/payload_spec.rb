# frozen_string_literal: true

require "murder/payload"
require "open3"
require "tmpdir"

RSpec.describe Murder::Payload do
  around { |example| Dir.mktmpdir { |dir| (@dir = dir) && example.run } }

  before { allow(Murder::Programs).to receive(:directory).and_return("#{@dir}/programs") }

  def programs(linked: false)
    FileUtils.mkdir_p("#{@dir}/programs")
    Murder::Programs::NAMES.each_with_index do |name, i|
      path = "#{@dir}/programs/#{name}"
      next File.symlink("murder_client", path) if linked && i.positive?

      File.write(path, "#!/bin/sh\necho ${0##*/}\n")
      File.chmod(0o755, path)
    end
  end

  # Written, and unpacked by the real tar; where to.
  def unpacked
    archive = described_class.new("linux-x86_64").write("#{@dir}/a.tgz")
    Dir.mkdir("#{@dir}/out")
    _, status = Open3.capture2e("tar", "-xzf", archive, "-C", "#{@dir}/out")
    expect(status).to be_success
    "#{@dir}/out"
  end

  [false, true].each do |linked|
    it "gives a tar that any host unpacks three working programs from, #{linked ? "linked" : "separate"}" do
      programs(linked: linked)
      out = unpacked
      expect(Murder::Programs::NAMES.map { |name| `#{out}/#{name}`.chomp }).to eq(Murder::Programs::NAMES)
    end
  end

  it "sends one binary under several names once" do
    programs(linked: true)
    out = unpacked
    expect(File.readlink("#{out}/murder_tracker")).to eq("murder_client")
  end
end
