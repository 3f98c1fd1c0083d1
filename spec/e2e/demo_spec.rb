# frozen_string_literal: true

require "pty"
require_relative "../support/e2e"

RSpec.describe "bin/demo", :e2e do
  before { skip "this needs namespaces, which are not allowed here" if Hosts.kind == :local }

  attr_reader :base

  around do |example|
    Dir.mktmpdir("murder-spec-", "/var/tmp") { |base| (@base = base) && example.run }
  end

  def environment
    { "MURDER_HOSTS_DIR" => "#{base}/runs", "BUNDLE_GEMFILE" => ENV.fetch("BUNDLE_GEMFILE", nil) }
  end

  def demo(*arguments)
    Hosts::Shell.run("#{E2E::ROOT}/bin/demo", *arguments, env: environment)
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
    expect(result.out.scan(/^  host(\d) +10\.66\.0\.\d+ +[\d.]+ +[\d.]+ +(?:[\d.]+|seeder)$/).flatten)
      .to eq(%w[1 2 3 1 2 3])
    expect(Dir.children("#{base}/runs")).to be_empty
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

  it "is taken down by Ctrl-C with everything it made" do
    PTY.spawn(environment, "#{E2E::ROOT}/bin/demo", "--hosts", "3") do |output, input, pid|
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

  it "names what is wrong with its arguments" do
    expect(demo("--hosts", "1")).to fail_saying(/at least 2 hosts/)
    expect(demo("#{base}/nothing")).to fail_saying(/nothing: no such directory/)
    expect(demo("--frob")).to fail_saying(/--frob/)
  end
end
