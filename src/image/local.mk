# What boots images: no libarchive.
noinst_LIBRARIES += src/image/libimage.a
src_image_libimage_a_SOURCES = \
	src/image/hash.c src/image/hash.h \
	src/image/image.c src/image/image.h \
	src/image/manifest.c src/image/manifest.h \
	src/image/newc.c src/image/newc.h \
	src/image/recipe.c src/image/recipe.h \
	src/image/root.c src/image/root.h \
	src/image/verify.c

# What builds them.
noinst_LIBRARIES += src/image/libimagebuild.a
src_image_libimagebuild_a_CPPFLAGS = $(AM_CPPFLAGS) $(ARCHIVE_CFLAGS) $(LZ4_CFLAGS)
src_image_libimagebuild_a_SOURCES = \
	src/image/build.c src/image/build.h \
	src/image/capture.c src/image/capture.h \
	src/image/container.c src/image/container.h \
	src/image/elf.c src/image/elf.h \
	src/image/folder.c src/image/folder.h \
	src/image/import.c src/image/import.h \
	src/image/kernel.c src/image/kernel.h \
	src/image/kmod.c src/image/kmod.h \
	src/image/layer.c src/image/layer.h \
	src/image/merge.c src/image/merge.h \
	src/image/oci.c src/image/oci.h \
	src/image/roots.c src/image/roots.h \
	src/image/rootfs.c src/image/rootfs.h \
	src/image/source.h src/image/source_debian.c src/image/source_files.c \
	src/image/squash.c src/image/squash.h \
	src/image/tree.c src/image/tree.h

pkglibexec_PROGRAMS += smolsh-image
smolsh_image_SOURCES = src/image/tool.c
smolsh_image_LDADD = src/image/libimagebuild.a src/image/libimage.a src/proto/libproto.a \
	src/base/libbase.a $(ARCHIVE_LIBS) $(LZ4_LIBS) $(NETTLE_LIBS) $(CJSON_LIBS)
