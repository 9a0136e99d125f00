#include "harness.h"
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gst/controller/gstdirectcontrolbinding.h>

/* What a line describes, as one element with a bus of its own, in state NULL; NULL is an error. */
GstElement *
hn_element (const char *line)
{
  GstElement *element = gst_parse_bin_from_description_full (line, TRUE, NULL, GST_PARSE_FLAG_NO_SINGLE_ELEMENT_BINS, NULL);
  GstBus *bus;

  if (!element)
    return NULL;
  bus = gst_bus_new ();

  gst_object_ref_sink (element);
  gst_element_set_bus (element, bus);
  gst_object_unref (bus);
  return element;
}

/* The element called f where there are several. */
GstElement *
hn_filter (GstElement * element)
{
  return GST_IS_BIN (element) ? gst_bin_get_by_name (GST_BIN (element), "f") : gst_object_ref (element);
}

GstHarness *
hn_harness (GstElement * element, const char *caps)
{
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");

  gst_harness_set_src_caps_str (h, caps);
  return h;
}

void
hn_free (GstHarness * h, GstElement * element)
{
  if (h)
    gst_harness_teardown (h);
  gst_element_set_state (element, GST_STATE_NULL);
  /* Messages hold pads, whose end would post another message. */
  gst_bus_set_flushing (GST_ELEMENT_BUS (element), TRUE);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
}

void
hn_set (GstElement * element, const char *property, const char *value)
{
  gst_util_set_object_arg (G_OBJECT (element), property, value);
}

char *
hn_get (GstElement * element, const char *property)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), property);
  GValue v = G_VALUE_INIT;
  char *text;

  g_value_init (&v, spec->value_type);
  g_object_get_property (G_OBJECT (element), property, &v);
  if (G_VALUE_HOLDS_STRING (&v))
    text = g_value_dup_string (&v);
  else if (G_VALUE_HOLDS (&v, GST_TYPE_STRUCTURE))
    text = g_value_get_boxed (&v) ? gst_structure_to_string (g_value_get_boxed (&v)) : g_strdup ("");
  else
    text = gst_value_serialize (&v);
  g_value_unset (&v);
  return text;
}

void
hn_set_style_and_weights (GstElement * element, const char *style, double first, double second)
{
  GValue weights = G_VALUE_INIT, v = G_VALUE_INIT;

  g_value_init (&weights, GST_TYPE_ARRAY);
  g_value_init (&v, G_TYPE_DOUBLE);
  g_value_set_double (&v, first);
  gst_value_array_append_value (&weights, &v);
  g_value_set_double (&v, second);
  gst_value_array_append_value (&weights, &v);
  g_object_freeze_notify (G_OBJECT (element));
  g_object_set (element, "style", style, NULL);
  g_object_set_property (G_OBJECT (element), "style-weights", &weights);
  g_object_thaw_notify (G_OBJECT (element));
  g_value_unset (&v);
  g_value_unset (&weights);
}

/* Sets two properties from text so that they become known together. */
void
hn_set_together (GstElement * element, const char *property, const char *value, const char *other, const char *other_value)
{
  g_object_freeze_notify (G_OBJECT (element));
  hn_set (element, property, value);
  hn_set (element, other, other_value);
  g_object_thaw_notify (G_OBJECT (element));
}

/* Binds a line from 0 at time 0 to 1 at ns. */
gboolean
hn_ramp (GstElement * element, const char *property, guint64 ns)
{
  GstControlSource *source = gst_interpolation_control_source_new ();
  GstTimedValueControlSource *values = GST_TIMED_VALUE_CONTROL_SOURCE (source);
  gboolean ok;

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
  gst_timed_value_control_source_set (values, 0, 0.0);
  gst_timed_value_control_source_set (values, ns, 1.0);
  ok = gst_object_add_control_binding (GST_OBJECT (element),
      gst_direct_control_binding_new (GST_OBJECT (element), property, source));
  gst_object_unref (source);
  return ok;
}

gboolean
hn_is_passthrough (GstElement * element)
{
  return gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (element));
}

/* Saves the element's properties under a name, or loads them. */
gboolean
hn_preset (GstElement * element, const char *name, gboolean save)
{
  if (!GST_IS_PRESET (element))
    return FALSE;
  return save ? gst_preset_save_preset (GST_PRESET (element), name) : gst_preset_load_preset (GST_PRESET (element), name);
}

static void
read_error (GstMessage * message, HnMessage * m)
{
  GError *error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, &m->debug);
  else
    gst_message_parse_warning (message, &error, &m->debug);
  m->domain = g_strdup (g_quark_to_string (error->domain));
  m->code = error->code;
  m->text = g_strdup (error->message);
  g_error_free (error);
}

/* FALSE after timeout nanoseconds without a message. */
gboolean
hn_next_message (GstBus * bus, HnMessage * m, guint64 timeout)
{
  GstMessage *message = gst_bus_timed_pop (bus, timeout);
  const GstStructure *s;

  if (!message)
    return FALSE;
  *m = (HnMessage) { .type = g_strdup (GST_MESSAGE_TYPE_NAME (message)) };
  if (GST_MESSAGE_TYPE (message) & (GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))
    read_error (message, m);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_QOS)
    gst_message_parse_qos_stats (message, NULL, &m->processed, &m->dropped);
  s = gst_message_get_structure (message);
  if (s)
    m->structure = g_strdup (gst_structure_get_name (s));
  if (s && gst_structure_has_name (s, "adain-style"))
    gst_structure_get (s, "name", G_TYPE_STRING, &m->style, "ok", G_TYPE_BOOLEAN, &m->style_ok,
        "error", G_TYPE_STRING, &m->style_error, NULL);
  gst_message_unref (message);
  return TRUE;
}

void
hn_message_clear (HnMessage * m)
{
  g_free (m->type);
  g_free (m->domain);
  g_free (m->text);
  g_free (m->debug);
  g_free (m->structure);
  g_free (m->style);
  g_free (m->style_error);
}
