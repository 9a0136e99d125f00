/* Presets, which hosts save and load. GStreamer 1.22 escapes the values of a preset twice when it saves them and undoes that once: a list of
 * styles comes back with backslashes. What is more than a number or a word is therefore kept beside, as the preset's metadata. */
#include "adain.h"

static GstPresetInterface gstreamer;

static gboolean
simple (const GParamSpec * spec)
{
  return spec->value_type != G_TYPE_STRING && spec->value_type != GST_TYPE_STRUCTURE && spec->value_type != GST_TYPE_ARRAY;
}

/* Calls visit with each property of the element's class and its parents that is read and written, without its place in a pipeline. */
static void
each_property (GstPreset * preset, void (*visit) (GstPreset *, GParamSpec *, gpointer), gpointer data)
{
  guint n;
  GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (preset), &n);

  for (guint i = 0; i < n; i++)
    if ((specs[i]->flags & G_PARAM_READWRITE) == G_PARAM_READWRITE && specs[i]->owner_type != GST_TYPE_OBJECT)
      visit (preset, specs[i], data);
  g_free (specs);
}

static void
add_simple (GstPreset * preset, GParamSpec * spec, gpointer names)
{
  if (simple (spec))
    g_ptr_array_add (names, g_strdup (spec->name));
}

static gchar **
get_property_names (GstPreset * preset)
{
  GPtrArray *names = g_ptr_array_new ();

  each_property (preset, add_simple, names);
  g_ptr_array_add (names, NULL);
  return (gchar **) g_ptr_array_free (names, FALSE);
}

static void
save_text (GstPreset * preset, GParamSpec * spec, gpointer name)
{
  GValue value = G_VALUE_INIT;
  gchar *text;

  if (simple (spec))
    return;
  g_value_init (&value, spec->value_type);
  g_object_get_property (G_OBJECT (preset), spec->name, &value);
  text = G_VALUE_HOLDS_STRING (&value) ? g_value_dup_string (&value) : gst_value_serialize (&value);
  gstreamer.set_meta (preset, name, spec->name, text);
  g_free (text);
  g_value_unset (&value);
}

static gboolean
save_preset (GstPreset * preset, const gchar * name)
{
  if (!gstreamer.save_preset (preset, name))
    return FALSE;
  each_property (preset, save_text, (gpointer) name);
  return TRUE;
}

static void
load_text (GstPreset * preset, GParamSpec * spec, gpointer name)
{
  GValue value = G_VALUE_INIT;
  gchar *text = NULL;
  gboolean known = TRUE;

  if (simple (spec) || !gstreamer.get_meta (preset, name, spec->name, &text))
    return;
  g_value_init (&value, spec->value_type);
  if (G_VALUE_HOLDS_STRING (&value))
    g_value_set_string (&value, text);
  else
    known = gst_value_deserialize (&value, text);
  if (known)
    g_object_set_property (G_OBJECT (preset), spec->name, &value);
  g_value_unset (&value);
  g_free (text);
}

/* In the order of the properties: statistics come behind the style that they replace. */
static gboolean
load_preset (GstPreset * preset, const gchar * name)
{
  gboolean loaded;

  g_object_freeze_notify (G_OBJECT (preset));
  loaded = gstreamer.load_preset (preset, name);
  if (loaded)
    each_property (preset, load_text, (gpointer) name);
  g_object_thaw_notify (G_OBJECT (preset));
  return loaded;
}

static void
init (gpointer interface, gpointer data)
{
  GstPresetInterface *preset = interface;

  gstreamer = *preset;
  preset->get_property_names = get_property_names;
  preset->save_preset = save_preset;
  preset->load_preset = load_preset;
}

/* Before the class is initialised. */
void
adain_add_interfaces (GType type)
{
  static const GInterfaceInfo preset = { init, NULL, NULL };

  g_type_add_interface_static (type, GST_TYPE_PRESET, &preset);
}
