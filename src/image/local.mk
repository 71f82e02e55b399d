# What boots images (no libarchive), and the program that builds them.
noinst_LIBRARIES += src/image/libimage.a
src_image_libimage_a_SOURCES = \
	src/image/hash.c src/image/hash.h \
	src/image/image.c src/image/image.h \
	src/image/manifest.c src/image/manifest.h \
	src/image/newc.c src/image/newc.h \
	src/image/verify.c
