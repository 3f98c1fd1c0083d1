# frozen_string_literal: true

require "optparse"
require_relative "hosts"
require_relative "demo/capfile"
require_relative "demo/repository"
require_relative "demo/told"
require_relative "demo/watch"

module Demo
  # bin/demo: hosts on this machine, a deploy to them by `cap deploy`, then the
  # tasks one by one; compares every host's files with the source.
  class Main
    # The user's repository may belong to somebody else.
    GIT = ["git", "-c", "safe.directory=*"].freeze

    def initialize(argv)
      @count = 8
      @verbose = false
      @capistrano = 3
      parse(argv)
    end

    def run
      step("#{@count} hosts") do
        Hosts::Workdir.reap
        check_space
      end
      removal = nil
      keep = [Dir.pwd, Hosts::Operator::ROOT, @source].compact
      Hosts::Fleet.open(count: @count, keep: keep, room: @count * ((3 * bytes) + (1 << 27))) do |fleet|
        @fleet = fleet
        say "#{fleet.hosts.first.name} (#{fleet.hosts.first.address}) to #{fleet.hosts.last.name}: #{kind}"
        deploy
        by_hand
        check_quiet
        removal = begin_step("all of it is taken down")
      end
      end_step(removal)
      say "Nothing is left: no process, no mount, no file."
    end

    private

    def kind
      { root: "network, mount and pid namespaces each", user: "the same, in a user namespace",
        local: "an sshd each; namespaces are not allowed here" }.fetch(@fleet.kind)
    end

    def parse(argv)
      parser = OptionParser.new("usage: bin/demo [--hosts N] [--capistrano 3|2] [--verbose] [DIR]") do |on|
        on.separator "\nDeploys DIR, or a repository made on the spot, to hosts on this machine.\n\n"
        on.on("--hosts N", Integer, "how many hosts (8)") { |count| @count = count }
        on.on("--capistrano N", [2, 3].map(&:to_s), "3, or 2 for Capistrano 2.15") { |n| @capistrano = n.to_i }
        on.on("--verbose", "show what cap says") { @verbose = true }
      end
      rest = parser.parse(argv)
      abort "bin/demo: at least 2 hosts, at most 200" unless (2..200).cover?(@count)
      abort parser.help if rest.size > 1
      use(rest.first) if rest.any?
    rescue OptionParser::ParseError => e
      abort "bin/demo: #{e.message}\n#{parser.help}"
    end

    def use(dir)
      abort "bin/demo: #{dir}: no such directory" unless File.directory?(dir)
      @source = File.realpath(dir)
    end

    # Every host holds the archive, the release and what it is made from.
    def check_space
      needed = (((@count * 3) + 6) * bytes) + (1 << 28)
      base = Hosts::Workdir.base
      free = Hosts::Shell.run!("df", "--output=avail", "-B1", base).lines.last.to_i
      return if free > needed

      abort "bin/demo: #{base} has #{free >> 20} MB free, #{needed >> 20} are needed: " \
            "name a roomier directory in MURDER_HOSTS_DIR, or fewer --hosts"
    end

    # Of what is deployed; as bytes, and as blocks, which is more if files are small.
    def bytes
      return Repository::BYTES if @source.nil?

      @bytes ||= %w[-sb -sB1].map { |how| Hosts::Shell.run!("du", how, "--exclude=.git", @source).to_i }.max
    end

    def deploy
      if @source.nil?
        step("a git repository: #{Repository::FILES} files, #{Repository::BYTES >> 20} MB") { make_source }
      else
        take_source
      end
      operator = operator("deploy")
      cap(operator, "deploy:setup") if @capistrano == 2
      rows = watched(operator, "deploy")
      compare(path("app/current"), expected, ignore: %w[REVISION REVISION_TIME])
      table(rows)
    end

    def make_source
      @source = Repository.make(@fleet.workdir.join("source")).path
      @scm = :git
    end

    # Of the user's repository the last commit is deployed, whatever is checked
    # out and whoever owns it, from a clone of ours.
    def take_source
      top = Hosts::Shell.run(*GIT, "rev-parse", "--show-toplevel", chdir: @source).out.chomp
      return @scm = :none if top != @source

      clone = @fleet.workdir.join("source.git")
      Hosts::Shell.run!(*GIT, "clone", "--quiet", "--bare", @source, clone)
      Hosts::Shell.run!("git", "update-ref", "refs/heads/main", "HEAD", chdir: clone)
      @source = clone
      @scm = :git
    end

    def by_hand
      operator = operator("by-hand")
      data = path("data")
      files = "files_path=#{data}"
      step("random files on #{seeder.name}:#{data}") { random_files(seeder.path(data)) }
      @fleet.hosts.each { |host| Dir.mkdir(host.path(path("files"))) }
      cap(operator, "murder:start_tracker") if @capistrano == 3
      cap(operator, "murder:create_torrent", "tag=v1", files)
      cap(operator, "murder:start_seeding", "tag=v1")
      rows = watched(operator, "murder:peer", "tag=v1", "destination_path=#{path("files")}")
      cap(operator, "murder:stop_peering", "murder:stop_seeding", *("murder:stop_tracker" if @capistrano == 3),
          "murder:clean_temp_files", "tag=v1")
      compare(path("files/v1"), Hosts::Tree.of(seeder.path(data)))
      table(rows)
    end

    def random_files(dir)
      random = Random.new(2)
      40.times do |number|
        FileUtils.mkdir_p("#{dir}/#{number % 4}")
        File.binwrite("#{dir}/#{number % 4}/#{number}", random.bytes(number << 15))
      end
    end

    def seeder
      @fleet.hosts.first
    end

    def operator(name)
      return operator3(name) if @capistrano == 3

      values = { scm: @scm, repository: @source, hosts: @fleet.hosts.map(&:address), **places }
      Hosts::Operator.new(@fleet, name, Kernel.format(CAPFILE + own_places, values))
    end

    # What a Capfile says of where things go.
    def places
      @places ||=
        { deploy_to: path("app"), marks: @fleet.workdir.mkdir("marks"), temp: @fleet.temp,
          seeder_temp: seeder.spelled(@fleet.temp), tracker_port: @fleet.tracker_port }
    end

    def own_places
      @fleet.kind == :local ? OWN_PLACES : ""
    end

    # A name below the directory that is each host's own.
    def path(name)
      "#{@fleet.base}/#{name}"
    end

    # Only the first host has the repository; files without one are in the
    # operator's directory.
    def operator3(name)
      values = { repository: seeder.spelled(path("source.git")), **places }
      text = Kernel.format(DEPLOY3 + own_places, values) + (@scm == :none ? DEPLOY3_FILES : "")
      servers = @fleet.hosts.map { |host| "server #{host.address.inspect}, roles: %w{app}" }
      Hosts::Operator3.new(@fleet, name, CAPFILE3, text, servers).tap do |operator|
        next File.symlink(@source, File.join(operator.dir, "files")) if @scm == :none

        copy_to_seeder unless File.exist?(seeder.path(path("source.git")))
      end
    end

    def copy_to_seeder
      bare = @fleet.workdir.join("bare.git")
      Hosts::Shell.run!(*GIT, "clone", "--quiet", "--bare", @source, bare)
      FileUtils.cp_r(bare, seeder.path(path("source.git")))
    end

    def cap(operator, *arguments)
      step("$ cap #{"production " if @capistrano == 3}#{arguments.join(" ")}") do
        job = operator.start(*arguments)
        status = job.wait(timeout: 3600)
        puts job.text if @verbose || status != 0
        abort "bin/demo: cap #{arguments.first} failed with status #{status}" unless status.zero?
      end
    end

    def watched(operator, *arguments)
      told = Told.new(@fleet.hosts, places[:tracker_port]) if @fleet.kind == :local
      Watch.new(@fleet, told).during { cap(operator, *arguments) }.last
    end

    # The tree that every host must have: the last commit, or the directory.
    def expected
      return tree(@source) if @scm == :none

      dir = @fleet.workdir.mkdir("expected")
      archive = @fleet.workdir.join("expected.tar")
      Hosts::Shell.run!("git", "archive", "--output", archive, "HEAD", chdir: @source)
      Hosts::Shell.run!("tar", "-xf", archive, "-C", dir)
      tree(dir)
    end

    # Under Capistrano 2 the Capfile excludes .git*.
    def tree(dir)
      @capistrano == 2 ? Hosts::Tree.without_git(dir) : Hosts::Tree.of(dir) { |name| name == ".git" }
    end

    def compare(path, tree, ignore: [])
      step("compare #{tree.size} names and checksums on each of #{@count} hosts") do
        @fleet.hosts.each do |host|
          found = Hosts::Tree.of(host.real_path(path))
          differences = Hosts::Tree.difference(tree, found.except(*ignore))
          next if differences.empty?

          name, here, there = differences.first
          abort "bin/demo: #{host.name}:#{path}/#{name} is #{there || "missing"}, not #{here || "absent"}; " \
                "#{differences.size} differ"
        end
      end
    end

    def check_quiet
      step("nothing runs on any host any more") do
        left = @fleet.hosts.flat_map { |host| host.processes.map { |_, command| "#{host.name}: #{command}" } }
        abort "bin/demo: still running: #{left.join(", ")}" if left.any?
      end
    end

    def table(rows)
      line = "  %-8s %-14s %12s %12s %9s"
      puts "", Kernel.format(line, "host", "address", "MB down", "MB up", "seconds")
      rows.each do |row|
        seconds = row.host == seeder ? "seeder" : row.seconds && Kernel.format("%.2f", row.seconds)
        puts Kernel.format(line, row.host.name, row.host.address, mb(row.down), mb(row.up), seconds || "-")
      end
      puts(*counted, "  Seconds from its start until the whole file stood there, verified.", "")
    end

    def counted
      return "  As the hosts' network interfaces counted it while murder:peer ran." if @fleet.kind != :local

      ["  As the peers told the tracker when they were complete; what none of them says to have",
       "  sent is put down to the seeder."]
    end

    def mb(bytes)
      bytes ? Kernel.format("%.1f", bytes / 1e6) : "-"
    end

    def step(text)
      from = begin_step(text)
      yield.tap { end_step(from) }
    end

    def begin_step(text)
      print "#{text} ... "
      Hosts::Processes.now
    end

    def end_step(from)
      puts Kernel.format("%.1f s", Hosts::Processes.now - from)
    end

    def say(text)
      puts text
    end
  end
end

if $PROGRAM_NAME == __FILE__
  begin
    $stdout.sync = true
    Demo::Main.new(ARGV).run
  rescue SignalException => e
    warn "\nbin/demo: interrupted; everything is taken down"
    exit 128 + e.signo
  rescue Hosts::Error => e
    abort "bin/demo: #{e.message}"
  end
end
