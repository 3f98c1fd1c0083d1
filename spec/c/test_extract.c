#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/extract.h"
#include "scratch.h"
#include "unit.h"

/* ---- hostile and other archives, made by libarchive --------------------- */

static struct archive *
begin_tar(void)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax_restricted(a);
	archive_write_add_filter_gzip(a);
	assert_int_equal(archive_write_open_filename(a, "x.tgz"), ARCHIVE_OK);
	return a;
}

static void
end_tar(struct archive *a)
{
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

/* Adds a member; link goes to symbolic links, or with type 0 to hard links. */
static void
add(struct archive *a, const char *name, unsigned type, const char *link,
    unsigned mode)
{
	struct archive_entry *entry = archive_entry_new();
	const char *data = "data of ";

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type == 0 ? AE_IFREG : type);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_mtime(entry, 1000000000, 0);
	if (type == 0)
		archive_entry_set_hardlink(entry, link);
	else if (type == AE_IFLNK)
		archive_entry_set_symlink(entry, link);
	else if (type == AE_IFREG)
		archive_entry_set_size(
		    entry, (la_int64_t)(strlen(data) + strlen(name)));
	assert_true(archive_write_header(a, entry) >= ARCHIVE_WARN);
	if (type == AE_IFREG) {
		archive_write_data(a, data, strlen(data));
		archive_write_data(a, name, strlen(name));
	}
	archive_entry_free(entry);
}

/* x.tgz does not go into "dst", which holds one file and keeps just that. */
static void
refused(enum status status, const char *why)
{
	struct ioerr e = IOERR_NONE;
	char line[2048];

	if (!scratch_exists("dst")) {
		scratch_mkdir("dst", 0755);
		scratch_text("dst/own", "precious");
	}
	if (extract_archive("x.tgz", "dst", NULL, NULL, &e) == 0)
		fail_msg("was unpacked in spite of: %s", why);
	ioerr_line(&e, line, sizeof(line));
	if (strstr(line, why) == NULL)
		fail_msg("'%s' does not say '%s'", line, why);
	assert_int_equal(e.status, status);
	assert_int_equal(scratch_count("dst"), 1);
	/* nor does it make a directory */
	e = IOERR_NONE;
	if (status == STATUS_INPUT) {
		assert_true(
		    extract_archive("x.tgz", "new", NULL, NULL, &e) < 0);
		assert_false(scratch_exists("new"));
		e = IOERR_NONE;
		assert_true(
		    extract_archive("x.tgz", "new/er/", NULL, NULL, &e) < 0);
		assert_false(scratch_exists("new"));
	}
}

static void
one_bad_member(
    const char *name, unsigned type, const char *link, const char *why)
{
	struct archive *a = begin_tar();

	add(a, "good", AE_IFREG, NULL, 0644);
	add(a, name, type, link, 0644);
	end_tar(a);
	refused(STATUS_INPUT, why);
}

static void
assert_file(const char *path, const char *content, unsigned mode)
{
	struct stat st;
	char *bytes = scratch_read(path, NULL);

	assert_string_equal(bytes, content);
	free(bytes);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_uid, geteuid());
}

/* ---- what is kept ------------------------------------------------------- */

TEST(files_links_modes_and_times_are_kept_whatever_the_umask)
{
	struct archive *a = begin_tar();
	struct extract_totals totals;
	struct ioerr e = IOERR_NONE;
	char link[10] = "";
	struct stat st, twin;

	add(a, "./", AE_IFDIR, NULL, 0700);
	add(a, "./ro", AE_IFDIR, NULL, 0555);
	add(a, "./ro/f", AE_IFREG, NULL, 0640);
	add(a, "./ro/deep", AE_IFDIR, NULL, 02777);
	add(a, "./ro/deep/g", AE_IFREG, NULL, 0777);
	add(a, "./implied/h", AE_IFREG, NULL, 0400);
	add(a, "./twin", 0, "./ro/f", 0640);
	add(a, "./link", AE_IFLNK, "ro/f", 0777);
	add(a, "./\xc3\xbc n\nl \"'$\\", AE_IFREG, NULL, 0644);
	end_tar(a);
	umask(077);
	scratch_mkdir("dst", 0711);
	assert_int_equal(extract_archive("x.tgz", "dst", NULL, &totals, &e), 0);
	assert_int_equal(totals.n_members, 9);
	assert_file("dst/ro/f", "data of ./ro/f", 0640);
	assert_file("dst/ro/deep/g", "data of ./ro/deep/g", 0777);
	assert_file("dst/implied/h", "data of ./implied/h", 0400);
	assert_file(
	    "dst/\xc3\xbc n\nl \"'$\\", "data of ./\xc3\xbc n\nl \"'$\\", 0644);
	assert_int_equal(stat("dst/ro", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0555);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(stat("dst/ro/deep", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0777);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(stat("dst/implied", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(readlink("dst/link", link, sizeof(link) - 1), 4);
	assert_string_equal(link, "ro/f");
	assert_int_equal(stat("dst/ro/f", &st), 0);
	assert_int_equal(stat("dst/twin", &twin), 0);
	assert_int_equal(st.st_ino, twin.st_ino);
	assert_int_equal(stat("dst", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(scratch_count("dst"), 5);
}

TEST(a_missing_destination_is_made_and_others_content_stays)
{
	struct archive *a = begin_tar();
	struct ioerr e = IOERR_NONE;

	add(a, "a/b", AE_IFREG, NULL, 0644);
	end_tar(a);
	assert_int_equal(extract_archive("x.tgz", "new", NULL, NULL, &e), 0);
	assert_true(scratch_exists("new/a/b"));
	scratch_mkdir("old", 0755);
	scratch_text("old/own", "precious");
	assert_int_equal(extract_archive("x.tgz", "old/", NULL, NULL, &e), 0);
	assert_int_equal(scratch_count("old"), 2);
	assert_int_equal(
	    extract_archive("x.tgz", "one//two/three", NULL, NULL, &e), 0);
	assert_true(scratch_exists("one/two/three/a/b"));
	assert_true(
	    extract_archive("x.tgz", "old/own/such", NULL, NULL, &e) < 0);
	assert_int_equal(e.status, STATUS_DISK);
	e = IOERR_NONE;
	assert_true(
	    extract_archive("x.tgz", "/proc/no/such", NULL, NULL, &e) < 0);
	assert_int_equal(e.status, STATUS_DISK);
	assert_string_equal(e.path, "/proc/no");
}

TEST(every_format_is_told_by_its_content)
{
	static const char *const make[] = {"tar -C src -cf x .",
	    "tar -C src -czf x .", "tar -C src -cjf x .", "tar -C src -cJf x .",
	    "tar -C src --format=posix -cf x .",
	    "tar -C src -cf x --format=v7 .",
	    ("cd src && python3 -c \"import zipfile;z=zipfile.ZipFile('../x',"
	     "'w',8);z.write('a');z.write('d/b')\"")};

	scratch_mkdir("src", 0755);
	scratch_mkdir("src/d", 0755);
	scratch_text("src/a", "A");
	scratch_noise("src/d/b", 300000, 1);
	for (size_t i = 0; i < N_OF(make); i++) {
		struct ioerr e = IOERR_NONE;

		scratch_shell(make[i]);
		if (extract_archive("x", "dst", NULL, NULL, &e) != 0)
			fail_msg("%s: %s", make[i], e.what);
		scratch_shell("diff -r src dst && rm -r dst x");
	}
}

TEST(sparse_files_have_the_same_content)
{
	struct ioerr e = IOERR_NONE;
	struct stat st;

	scratch_shell("mkdir src && truncate -s 50M src/s && printf x | "
		      "dd of=src/s bs=1 seek=20000000 conv=notrunc status=none "
		      "&& tar -C src -cSzf x.tgz .");
	assert_int_equal(extract_archive("x.tgz", "dst", NULL, NULL, &e), 0);
	scratch_shell("cmp src/s dst/s");
	assert_int_equal(stat("dst/s", &st), 0);
	assert_true(st.st_blocks * 512 < 10000000);
}

TEST(names_are_bytes_in_the_c_locale_too)
{
	struct ioerr e = IOERR_NONE;

	setlocale(LC_ALL, "C");
	scratch_shell("mkdir src && touch src/\xc3\xa4 src/\xff\xfe && "
		      "tar -C src --format=gnu -czf g.tgz . && "
		      "rm src/\xff\xfe && "
		      "tar -C src --format=posix -czf p.tgz .");
	assert_int_equal(extract_archive("g.tgz", "g", NULL, NULL, &e), 0);
	assert_true(scratch_exists("g/\xc3\xa4"));
	assert_true(scratch_exists("g/\xff\xfe"));
	assert_int_equal(extract_archive("p.tgz", "p", NULL, NULL, &e), 0);
	assert_true(scratch_exists("p/\xc3\xa4"));
	assert_string_equal(setlocale(LC_ALL, NULL), "C");
}

/* ---- what is refused ---------------------------------------------------- */

TEST(members_that_leave_the_destination_are_refused)
{
	one_bad_member("../x", AE_IFREG, NULL, "leaves the destination");
	one_bad_member("a/../../x", AE_IFREG, NULL, "leaves the destination");
	one_bad_member("/tmp/murder-x", AE_IFREG, NULL, "is an absolute name");
	assert_false(scratch_exists("x"));
	assert_false(scratch_exists("/tmp/murder-x"));
}

TEST(odd_kinds_and_set_id_files_are_refused)
{
	struct archive *a;

	one_bad_member("f", AE_IFIFO, NULL, "is a device, FIFO, socket");
	one_bad_member("c", AE_IFCHR, NULL, "is a device, FIFO, socket");
	one_bad_member("b", AE_IFBLK, NULL, "is a device, FIFO, socket");
	a = begin_tar();
	add(a, "suid", AE_IFREG, NULL, 04755);
	end_tar(a);
	refused(STATUS_INPUT, "member 'suid' has a set-user-ID");
	a = begin_tar();
	add(a, "sgid", AE_IFREG, NULL, 02755);
	end_tar(a);
	refused(STATUS_INPUT, "member 'sgid' has a set-user-ID");
}

TEST(links_out_of_the_destination_are_refused)
{
	struct archive *a;

	one_bad_member("l", AE_IFLNK, "/etc/passwd", "is a symbolic link out");
	one_bad_member("a/l", AE_IFLNK, "../../x", "is a symbolic link out");
	one_bad_member("h", 0, "/etc/passwd", "is a hard link out");
	one_bad_member("h", 0, "../dst/own", "is a hard link out");
	one_bad_member("h", 0, "own", "is a hard link to no earlier file");
	a = begin_tar();
	add(a, "d/up", AE_IFLNK, "..", 0777);
	add(a, "l", AE_IFLNK, "d/up/../x", 0777);
	end_tar(a);
	refused(STATUS_INPUT, "member 'l' is a symbolic link out");
}

TEST(writing_through_a_link_is_refused_even_if_links_may_lead_out)
{
	const struct extract_options o = {.outside_links = true};
	struct archive *a = begin_tar();
	struct ioerr e = IOERR_NONE;

	scratch_mkdir("victim", 0755);
	add(a, "l", AE_IFLNK, "../victim", 0777);
	end_tar(a);
	assert_int_equal(extract_archive("x.tgz", "one", &o, NULL, &e), 0);
	a = begin_tar();
	add(a, "l", AE_IFLNK, "../victim", 0777);
	add(a, "l/x", AE_IFREG, NULL, 0644);
	end_tar(a);
	assert_true(extract_archive("x.tgz", "two", &o, NULL, &e) < 0);
	assert_non_null(strstr(e.what, "'l/x' goes through a symbolic link"));
	a = begin_tar();
	add(a, "l", AE_IFLNK, "../victim/x", 0777);
	add(a, "l", AE_IFREG, NULL, 0644);
	end_tar(a);
	e = IOERR_NONE;
	assert_true(extract_archive("x.tgz", "two", &o, NULL, &e) < 0);
	assert_non_null(strstr(e.what, "'l' is there twice"));
	assert_int_equal(scratch_count("victim"), 0);
	assert_false(scratch_exists("two"));
}

TEST(names_that_exist_are_never_overwritten)
{
	struct archive *a = begin_tar();

	add(a, "new", AE_IFREG, NULL, 0644);
	add(a, "own", AE_IFREG, NULL, 0644);
	end_tar(a);
	refused(STATUS_NOT_EMPTY, "dst/own: exists already");
	a = begin_tar();
	add(a, "own/x", AE_IFREG, NULL, 0644);
	end_tar(a);
	refused(STATUS_NOT_EMPTY, "dst/own: exists already");
}

TEST(broken_and_foreign_files_are_refused)
{
	struct ioerr e = IOERR_NONE;
	size_t n;
	char *bytes;

	scratch_text("x.tgz", "this is not an archive at all, is it?");
	refused(STATUS_INPUT, "is not a sound archive");
	scratch_text("x.tgz", "");
	refused(STATUS_INPUT, "is not a sound archive");
	scratch_mkdir("src", 0755);
	scratch_noise("src/f", 100000, 5);
	scratch_shell(
	    "tar -C src -czf whole.tgz . && tar -C src -cf whole.tar .");
	bytes = scratch_read("whole.tgz", &n);
	for (size_t cut = 1; cut < n; cut += n / 50) {
		scratch_write("x.tgz", bytes, cut);
		refused(STATUS_INPUT, "is not a sound archive");
	}
	free(bytes);
	bytes = scratch_read("whole.tar", &n);
	for (size_t cut = 1100; cut < 100000; cut += 5000) {
		scratch_write("x.tgz", bytes, cut);
		refused(STATUS_INPUT, "is not a sound archive");
	}
	free(bytes);
	assert_true(extract_archive("none", "dst", NULL, NULL, &e) < 0);
	assert_int_equal(e.status, STATUS_NO_INPUT);
}

TEST(a_wrong_checksum_in_a_zip_leaves_the_destination_as_it_was)
{
	scratch_shell(
	    "python3 -c \"import zipfile;z=zipfile.ZipFile('x.tgz',"
	    "'w');z.writestr('a','A'*1000);z.writestr('b','B'*1000)\""
	    " && python3 -c \"d=bytearray(open('x.tgz','rb').read());"
	    "i=d.index(b'BBBB');d[i]=67;open('x.tgz','wb').write(d)\"");
	refused(STATUS_INPUT, "is not a sound archive");
}

TEST(giving_up_leaves_the_destination_as_it_was)
{
	atomic_bool cancel = true;
	const struct extract_options o = {.cancel = &cancel};
	struct archive *a = begin_tar();
	struct ioerr e = IOERR_NONE;

	add(a, "f", AE_IFREG, NULL, 0644);
	end_tar(a);
	assert_true(extract_archive("x.tgz", "dst", &o, NULL, &e) < 0);
	assert_int_equal(e.status, STATUS_INTERRUPTED);
	assert_false(scratch_exists("dst"));
}

#define WITH_FILES(test)                                                       \
	cmocka_unit_test_setup_teardown(test, scratch_begin, scratch_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FILES(files_links_modes_and_times_are_kept_whatever_the_umask),
	    WITH_FILES(a_missing_destination_is_made_and_others_content_stays),
	    WITH_FILES(every_format_is_told_by_its_content),
	    WITH_FILES(sparse_files_have_the_same_content),
	    WITH_FILES(names_are_bytes_in_the_c_locale_too),
	    WITH_FILES(members_that_leave_the_destination_are_refused),
	    WITH_FILES(odd_kinds_and_set_id_files_are_refused),
	    WITH_FILES(links_out_of_the_destination_are_refused),
	    WITH_FILES(
		writing_through_a_link_is_refused_even_if_links_may_lead_out),
	    WITH_FILES(names_that_exist_are_never_overwritten),
	    WITH_FILES(broken_and_foreign_files_are_refused),
	    WITH_FILES(
		a_wrong_checksum_in_a_zip_leaves_the_destination_as_it_was),
	    WITH_FILES(giving_up_leaves_the_destination_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
