# frozen_string_literal: true

require "pty"
require_relative "../support/e2e"

RSpec.describe "bin/demo", :e2e do
  attr_reader :base

  around do |example|
    Dir.mktmpdir("murder-spec-", "/var/tmp") { |base| (@base = base) && example.run }
  end

  def environment
    { "MURDER_HOSTS_DIR" => "#{base}/runs", "BUNDLE_GEMFILE" => ENV.fetch("BUNDLE_GEMFILE", nil) }
  end

  def demo(*arguments, env: {})
    Hosts::Shell.run("#{E2E::ROOT}/bin/demo", *arguments, env: environment.merge(env))
  end

  before { Dir.mkdir("#{base}/runs") }

  # A directory of the user's, `files` in it.
  def directory(files)
    files.each do |name, content|
      FileUtils.mkdir_p(File.dirname("#{base}/own/#{name}"))
      File.binwrite("#{base}/own/#{name}", content)
    end
    "#{base}/own"
  end

  it "deploys a directory of the user's to as many hosts as asked for, and leaves nothing" do
    result = demo("--hosts", "3", directory("a b" => "x", "deep/er" => Random.new(1).bytes(400_000)))
    expect(result).to succeed
    expect(result.out).to match(/compare 3 names and checksums on each of 3 hosts \.\.\. \d/)
    expect(result.out.scan(/^  host(\d) +(?:10\.66|127\.0)\.0\.\d+ +[\d.]+ +[\d.]+ +(?:[\d.]+|seeder)$/).flatten)
      .to eq(%w[1 2 3 1 2 3])
    expect(Dir.children("#{base}/runs")).to be_empty
  end

  %w[3 2].each do |version|
    it "does without namespaces, with Capistrano #{version}, and counts what every host got" do
      own = directory("a b" => "x", "deep/er" => Random.new(1).bytes(400_000))
      result = demo("--hosts", "3", "--capistrano", version, own, env: { "MURDER_HOSTS" => "local" })
      expect(result).to succeed
      expect(result.out.scan(/compare (\d+) names and checksums on each of 3 hosts/).flatten).to eq(%w[3 44])
      down = result.out.scan(/^  host[23] +127\.0\.0\.[23] +([\d.]+) +[\d.]+ +[\d.]+$/).flatten.map(&:to_f)
      expect(down.size).to eq(4)
      expect(down.first(2)).to all(be >= 0.4)
      expect(down.last(2)).to all(be >= 25.5)
      expect(Dir.children("#{base}/runs")).to be_empty
    end
  end

  it "does the same with Capistrano 2" do
    result = demo("--hosts", "2", "--capistrano", "2", directory("a b" => "x"))
    expect(result).to succeed
    expect(result.out).to include("$ cap deploy:setup ...", "$ cap deploy ...")
    expect(demo("--capistrano", "4")).to fail_saying(/--capistrano 4/)
  end

  it "deploys the last commit of a repository, whatever is checked out" do
    own = directory("file" => "committed")
    git = ["git", "-C", own, "-c", "user.name=Spec", "-c", "user.email=spec@example.org"]
    Hosts::Shell.run!("git", "init", "--quiet", own)
    Hosts::Shell.run!(*git, "add", "--all")
    Hosts::Shell.run!(*git, "commit", "--quiet", "--message", "one")
    Hosts::Shell.run!(*git, "checkout", "--quiet", "--detach")
    File.write("#{own}/file", "changed since")
    expect(demo("--hosts", "2", own)).to succeed
    expect(File.read("#{own}/file")).to eq("changed since")
  end

  ["namespaces", "sshds alone"].each do |kind|
    it "is taken down by Ctrl-C with everything it made, hosts of #{kind}" do
      variables = kind == "namespaces" ? {} : { "MURDER_HOSTS" => "local" }
      PTY.spawn(environment.merge(variables), "#{E2E::ROOT}/bin/demo", "--hosts", "3") do |output, input, pid|
        said = +""
        said << output.readpartial(4096) until said.include?("$ cap production deploy ...")
        sleep 1
        part_of_it = Hosts::Processes.tree(pid)
        expect(part_of_it.size).to be > 6
        input.write("\u0003")
        begin
          loop { said << output.readpartial(4096) }
        rescue EOFError, Errno::EIO
          nil
        end
        _, status = Process.wait2(pid)
        expect(said).to include("interrupted")
        expect(status.exitstatus).to eq(130)
        expect(part_of_it.select { |part| Hosts::Processes.start(part) }).to be_empty
        expect(Dir.children("#{base}/runs")).to be_empty
      end
    end
  end

  it "names what is wrong with its arguments" do
    expect(demo("--hosts", "1")).to fail_saying(/at least 2 hosts/)
    expect(demo("#{base}/nothing")).to fail_saying(/nothing: no such directory/)
    expect(demo("--frob")).to fail_saying(/--frob/)
  end
end
