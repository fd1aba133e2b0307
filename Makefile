.PHONY: all demo test bench fuzz install clean

all:
	script/build

demo test bench fuzz install clean:
	script/$@
