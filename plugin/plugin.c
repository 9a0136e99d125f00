#include "_cgo_export.h"

#define PACKAGE "adainfilter"
#define VERSION "0.1.0"
#define ORIGIN "https://adainfilter.invalid/"

/* Nothing else happens here: GStreamer calls it under a signal handler that the Go runtime does not expect. */
static gboolean
plugin_init (GstPlugin * plugin)
{
  return goAdaInPluginInit (plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, adainfilter, "AdaIN style transfer", plugin_init,
    VERSION, "LGPL", PACKAGE, ORIGIN)
