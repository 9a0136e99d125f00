#include "harness.h"

/* NULL and an error text (g_free) where the line is wrong. */
GstElement *
hn_pipeline (const char *launch, char **error)
{
  GError *e = NULL;
  GstElement *p = gst_parse_launch_full (launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS | GST_PARSE_FLAG_PLACE_IN_BIN, &e);

  if (e) {
    *error = g_strdup (e->message);
    g_error_free (e);
    gst_clear_object (&p);
  }
  if (p && !GST_IS_PIPELINE (p)) {
    GstElement *pipeline = gst_pipeline_new (NULL);
    gst_bin_add (GST_BIN (pipeline), p);
    p = pipeline;
  }
  return p ? gst_object_ref_sink (p) : NULL;
}

/* Sets the state and waits until it is reached, at most 20 s. Returns the GstStateChangeReturn. */
int
hn_state (GstElement * pipeline, int state)
{
  GstStateChangeReturn r = gst_element_set_state (pipeline, state);

  return r == GST_STATE_CHANGE_ASYNC ? gst_element_get_state (pipeline, NULL, NULL, 20 * GST_SECOND) : r;
}

gboolean
hn_seek (GstElement * pipeline, guint64 ns)
{
  return gst_element_seek_simple (pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, ns);
}

void
hn_set_in (GstElement * pipeline, const char *name, const char *property, const char *value)
{
  GstElement *e = gst_bin_get_by_name (GST_BIN (pipeline), name);

  gst_util_set_object_arg (G_OBJECT (e), property, value);
  gst_object_unref (e);
}

void
hn_latency_anew (GstElement * pipeline)
{
  gst_bin_recalculate_latency (GST_BIN (pipeline));
}

char *
hn_get_in (GstElement * pipeline, const char *name, const char *property)
{
  GstElement *e = gst_bin_get_by_name (GST_BIN (pipeline), name);
  char *text = hn_get (e, property);

  gst_object_unref (e);
  return text;
}

void
hn_stop (GstElement * pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}
