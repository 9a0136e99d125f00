package model

// Version is the version of the plugin and of the command. plugin/plugin.c repeats it; a test compares them.
const Version = "0.1.0"
