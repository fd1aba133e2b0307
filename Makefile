.PHONY: all demo test bench fuzz

all:
	script/bootstrap build
	test -f build/build.ninja || meson setup build
	ninja -C build

demo test bench fuzz:
	script/$@
