# frozen_string_literal: true

require "tmpdir"
require_relative "../support/recorded_capistrano2"
require_relative "shared_examples"

RSpec.describe "Capistrano 2", skip: RecordedCapistrano2::MISSING do
  include_context "with Capistrano 2"

  let(:racked) do
    <<~RUBY
      set :remote_murder_path, "/opt/murder"
      role :peer, "h1", "h2", :rack => "a"
      role :peer, "h3", :rack => "b$(c)"
      role :peer, "h4"
      role :seeder, "h1", :rack => "a"
      role :tracker, "h1"
    RUBY
  end

  let(:standalone) do
    <<~RUBY
      set :remote_murder_path, "/opt/murder"
      role :peer, "h1", "h2", "h3"
      role :seeder, "h1"
      role :tracker, "h1"
    RUBY
  end

  it_behaves_like "murder on Capistrano"

  def servers(recorder, role)
    recorder.config.find_servers(roles: role).map(&:host)
  end

  describe "the roles" do
    it "default to every server of every other role but no_release, each once, and the first of them" do
      recorder = cap('role :app, "a", "b"; role :web, "b", "c"; role :db, "d", no_release: true')
      expect(servers(recorder, :peer)).to eq(%w[a b c])
      expect([servers(recorder, :tracker), servers(recorder, :seeder)]).to eq([%w[a], %w[a]])
    end

    it "see servers that are defined after they were first asked for" do
      recorder = cap('role :app, "a"')
      expect(servers(recorder, :peer)).to eq(%w[a])
      recorder.config.role(:app, "b")
      expect(servers(recorder, :peer)).to eq(%w[a b])
    end

    it "are replaced, not extended, after murder is loaded" do
      recorder = cap('role :app, "a", "b"; role :tracker, "t"; role :seeder, "s"; role :peer, "b"')
      expect(%i[peer tracker seeder].map { |role| servers(recorder, role) }).to eq([%w[b], %w[t], %w[s]])
    end

    it "are kept when they were defined before murder is loaded" do
      recorder = cap('role :tracker, "t"; role(:seeder) { "s" }; role :app, "a"', requiring: false)
      Murder::Capistrano2.install(recorder.config)
      expect(%i[peer tracker seeder].map { |role| servers(recorder, role) }).to eq([%w[a], %w[t], %w[s]])
    end

    it "may be given lazily" do
      recorder = cap('role :app, "a"; role(:tracker) { fetch(:where) }')
      recorder.set(:where, "late")
      expect(servers(recorder, :tracker)).to eq(%w[late])
    end

    it "make clear that nobody has one" do
      recorder = cap('set :remote_murder_path, "/m"')
      expect { recorder.invoke("murder:start_tracker") }
        .to raise_error(Capistrano::Error, "no server has the role tracker")
    end
  end

  describe "HOSTFILTER" do
    it "chooses among the peers and keeps tracker and seeder" do
      recorder = cap(standalone)
      recorder.invoke("murder:clean_temp_files", tag: "v1", HOSTFILTER: "h3")
      recorder.invoke("murder:start_tracker", HOSTFILTER: "h3")
      expect(recorder.script.grep(/ \$ /).map { |line| line[/\S+/] }).to eq(%w[h3,h1 h1])
    end

    it "that leaves no peer is an error that names it" do
      expect { cap(standalone).invoke("murder:stop_peering", tag: "v1", HOSTFILTER: "x") }
        .to raise_error(Capistrano::Error, "no server has the role peer among those chosen by HOSTFILTER")
    end
  end

  it "keeps variables that were set before murder is loaded, and gives the others their defaults" do
    recorder = cap('set :default_temp_path, "/big"; set :shared_path, "/srv/shared"', requiring: false)
    Murder::Capistrano2.install(recorder.config)
    values = %i[default_temp_path default_tag tracker_port remote_murder_path].map { |name| recorder.config[name] }
    expect(values).to eq(["/big", "", 8998, "/srv/shared/murder"])
  end

  it "needs no application, but then remote_murder_path, and says so" do
    expect { cap('role :peer, "h1"').invoke("murder:start_tracker") }
      .to raise_error(Capistrano::Error, /set :remote_murder_path/)
  end

  it "leaves tag and filename to hooks, as the original did" do
    recorder = cap(standalone)
    recorder.invoke("murder:stop_peering", tag: "v1")
    expect([recorder.config[:tag], recorder.config[:filename]]).to eq(%w[v1 /tmp/v1.tgz])
  end

  it "talks to at most murder_max_hosts at once" do
    recorder = cap(standalone)
    recorder.set(:murder_max_hosts, 2)
    recorder.invoke("murder:stop_all_peering")
    expect(recorder.script.grep(/ \$ /).map { |line| line[/\S+/] }).to eq(%w[h1,h2 h3])
  end

  it "says which host cannot be connected to" do
    recorder = cap(standalone)
    recorder.answer(/connect/, hosts: %w[h2], error: Errno::ECONNREFUSED.new("connect(2) for h2:22"))
    expect { recorder.invoke("murder:stop_all_peering") }
      .to raise_error(Capistrano::Error, /\Amurder:stop_all_peering failed on h2: cannot connect \(.*refused.*\)\z/)
  end

  it "has the kernel notice a host that is gone" do
    listener = TCPServer.new("127.0.0.1", 0)
    recorder = cap(standalone)
    recorder.socket = Socket.tcp("127.0.0.1", listener.addr[1])
    recorder.invoke("murder:stop_all_peering")
    expect(recorder.socket.getsockopt(:SOCKET, :KEEPALIVE).bool).to be(true)
    expect(recorder.socket.getsockopt(:TCP, :KEEPIDLE).int).to eq(20)
  ensure
    [recorder&.socket, listener].compact.each(&:close)
  end

  it "stops the peers that can be reached when another is lost in mid-transfer" do
    Dir.mktmpdir do |dir|
      File.write("#{dir}/v1.tgz.torrent", "de")
      recorder = cap(standalone)
      lost = IOError.new("closed stream").extend(Module.new { attr_accessor :session })
      recorder.answer(/murder_client peer/, hosts: %w[h2], error: lost)
      lost.session = RecordedCapistrano2::Session.new(recorder.config.find_servers(roles: :peer)[1])
      expect do
        recorder.after_connecting("h2", Errno::EHOSTUNREACH.new)
        recorder.invoke("murder:peer", tag: "v1", destination_path: "/srv", temp_path: dir)
      end.to raise_error(Capistrano::Error, /failed on h2: the connection was lost .*closed stream/)
      expect(recorder.script.last).to start_with("h1,h3 $ ").and include("stop peer")
    end
  end

  it "refuses to send one platform's programs to all, which HOSTS would do" do
    recorder = cap(standalone)
    recorder.answer(/uname/, out: "Linux x86_64\n")
    recorder.answer(/uname/, hosts: %w[h2], out: "Linux aarch64\n")
    pretend_payload
    expect { recorder.invoke("murder:distribute_files", HOSTS: "h1,h2") }
      .to raise_error(Capistrano::Error, /HOSTS=h1,h2 .*HOSTFILTER/)
  end
end
