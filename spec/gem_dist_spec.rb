# frozen_string_literal: true

require "bundler"
require "digest"
require "fileutils"
require "open3"
require "rbconfig"
require "tmpdir"
require "zlib"

# The gem with the programs of `rake dist`, where nothing can be compiled.
RSpec.describe "the gem with programs", :dist, :slow do
  root = File.expand_path("..", __dir__)

  before(:all) do
    skip "no programs and manifest in dist/: rake dist" unless File.exist?("#{root}/dist/MANIFEST")
    @home = Dir.mktmpdir("murder-gem")
    run!("gem", "build", "murder.gemspec", "--strict", "--output", "#{@home}/murder.gem", chdir: root)
    make_bare_path
    @said = bare!("gem", "install", "--local", "--no-document", "#{@home}/murder.gem")
  end

  after(:all) { FileUtils.rm_rf(@home) if @home }

  def run!(*command, env: {}, chdir: @home)
    said, status = Bundler.with_unbundled_env { Open3.capture2e(env, *command, chdir: chdir) }
    raise "#{command.join(" ")}: #{said}" unless status.success?

    said
  end

  # Ruby and a shell, but no compiler, linker or make.
  def make_bare_path
    FileUtils.mkdir_p("#{@home}/path")
    %w[gem sh env uname].each { |name| FileUtils.ln_s(`which #{name}`.chomp, "#{@home}/path/#{name}") }
    FileUtils.ln_s(RbConfig.ruby, "#{@home}/path/ruby")
  end

  def bare!(*command, **options)
    run!(*command, env: { "GEM_HOME" => @home, "GEM_PATH" => [@home, *Gem.path].join(":"), "MURDER_PROGRAMS" => nil,
                          "MURDER_BUILD" => nil, "PATH" => "#{@home}/bin:#{@home}/path" }, **options)
  end

  def installed(*names)
    File.join(Dir["#{@home}/gems/murder-*"].first, *names)
  end

  it "is installed without a compiler and without make" do
    expect(Dir["#{@home}/extensions/**/murder_client"]).to be_empty
    expect(Dir.glob("#{installed}/ext/**/*.o")).to be_empty
  end

  it "puts the programs it brings on the path" do
    skip "dist/ has none for this machine" unless File.directory?(installed("dist", "linux-#{`uname -m`.chomp}"))
    %w[murder_client murder_make_torrent murder_tracker].each do |name|
      expect(bare!(name, "--version")).to start_with("#{name} ")
    end
  end

  it "has one executable for each platform, the one that the manifest names" do
    programs = File.readlines(installed("dist/MANIFEST"), chomp: true).grep(/\Aprogram /).map(&:split)
    expect(programs).not_to be_empty
    programs.each do |_, platform, size, checksum|
      file = installed("dist", platform, "murder_client")
      expect(Dir.children(File.dirname(file))).to eq(["murder_client"])
      expect(File.size(file)).to eq(size.to_i)
      expect("sha256:#{Digest::SHA256.file(file).hexdigest}").to eq(checksum)
    end
  end

  it "has the licence of every part that the manifest names" do
    parts = File.readlines(installed("dist/MANIFEST")).grep(/\Apart /).map { |line| line.split[1] }
    expect(parts).to include("musl", "openssl", "libmicrohttpd")
    texts = parts.to_h { |part| [part, File.size(installed("dist/LICENSES", part))] }
    expect(texts.values).to all(be > 500)
  end

  it "keeps each program within 6 MiB, and 2.5 MiB compressed" do
    Dir[installed("dist", "*-*", "murder_client")].each do |file|
      expect(File.size(file)).to be <= 6 << 20
      expect(Zlib.gzip(File.binread(file), level: 9).bytesize).to be <= 5 << 19
    end
  end
end
