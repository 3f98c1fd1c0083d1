# frozen_string_literal: true

require "murder/programs"
require "fileutils"
require "tmpdir"

RSpec.describe Murder::Programs do
  {
    "Linux x86_64\n" => "linux-x86_64", "Linux aarch64" => "linux-aarch64", "Linux arm64" => "linux-aarch64",
    "FreeBSD amd64" => "freebsd-x86_64", "" => "", "Linux" => "", "a b c" => "", "Linux ../x" => "", "Linux $(id)" => ""
  }.each do |uname, platform|
    it("takes #{uname.inspect} for #{platform.inspect}") { expect(described_class.platform(uname)).to eq(platform) }
  end

  it "names the platform of this machine as uname does" do
    expect(described_class.local_platform).to eq(described_class.platform(`uname -sm`))
  end

  it "says what to do for a platform nobody has built for" do
    expect { described_class.directory("plan9-mips") }
      .to raise_error(Murder::ProgramsError, /no programs for plan9-mips: .*rake dist/)
  end

  it "takes a directory only if all three programs are in it" do
    Dir.mktmpdir do |dir|
      before = ENV.fetch("MURDER_PROGRAMS", nil)
      ENV["MURDER_PROGRAMS"] = dir
      %w[murder_client murder_make_torrent].each { |name| FileUtils.install("/bin/sh", "#{dir}/#{name}") }
      found = begin
        described_class.directory
      rescue Murder::ProgramsError
        nil
      end
      expect(found).not_to eq(dir)
      FileUtils.install("/bin/sh", "#{dir}/murder_tracker", mode: 0o755)
      FileUtils.chmod(0o755, Dir["#{dir}/*"])
      expect(described_class.directory).to eq(dir)
    ensure
      ENV["MURDER_PROGRAMS"] = before
    end
  end
end
