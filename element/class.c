#include "libgstcuda.h"
#include "_cgo_export.h"

GST_DEBUG_CATEGORY (adain_debug);

GstBaseTransformClass *adain_parent_class;
GstCaps *adain_gpu_caps;

static void (*go_finalize) (GObject *);
static const gchar *default_style_name;

/* What cudaupload makes, or NULL where it is not installed: no other element brings frames in GPU memory then. */
static GstCaps *
uploaded (void)
{
  GstElementFactory *upload = gst_element_factory_find ("cudaupload");
  GstCaps *caps = NULL;

  if (!upload)
    return NULL;
  for (const GList * l = gst_element_factory_get_static_pad_templates (upload); l && !caps; l = l->next)
    if (((GstStaticPadTemplate *) l->data)->direction == GST_PAD_SRC)
      caps = gst_static_pad_template_get_caps (l->data);
  gst_object_unref (upload);
  return caps;
}

/* Whether this GStreamer has a format, with a feature in its CUDA elements: their pools abort the program at another one. */
static gboolean
has_format (const gchar * name, const gchar * feature, GstCaps * uploaded)
{
  GstCaps *wanted;
  gboolean ok;

  if (gst_video_format_from_string (name) == GST_VIDEO_FORMAT_UNKNOWN)
    return FALSE;
  if (!feature || !uploaded)
    return TRUE;
  wanted = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, name, NULL);
  gst_caps_set_features (wanted, 0, gst_caps_features_new (feature, NULL));
  ok = gst_caps_can_intersect (wanted, uploaded);
  gst_caps_unref (wanted);
  return ok;
}

/* Adds video of these formats, without those that this GStreamer lacks. */
static void
append_formats (GstCaps * caps, const char *names, const gchar * feature)
{
  GstCaps *known = uploaded ();
  gchar **name = g_strsplit (names, ",", -1);
  GstStructure *video = gst_structure_new ("video/x-raw", "width", GST_TYPE_INT_RANGE, 1, G_MAXINT, "height", GST_TYPE_INT_RANGE, 1, G_MAXINT,
      "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, NULL);
  GValue list = G_VALUE_INIT;

  gst_value_list_init (&list, g_strv_length (name));
  for (guint i = 0; name[i]; i++) {
    GValue value = G_VALUE_INIT;
    if (!has_format (name[i], feature, known))
      continue;
    g_value_init (&value, G_TYPE_STRING);
    g_value_set_string (&value, name[i]);
    gst_value_list_append_and_take_value (&list, &value);
  }
  gst_structure_take_value (video, "format", &list);
  gst_caps_append_structure_full (caps, video, feature ? gst_caps_features_new (feature, NULL) : NULL);
  gst_clear_caps (&known);
  g_strfreev (name);
}

static void
add_pads (GstElementClass * element, const AdaInClass * c)
{
  GstCaps *caps = gst_caps_new_empty ();

  adain_gpu_caps = gst_caps_new_empty ();
  append_formats (adain_gpu_caps, c->gpu_formats, GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY);
  append_formats (adain_gpu_caps, c->gpu_formats, NULL);
  GST_MINI_OBJECT_FLAG_SET (adain_gpu_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
  append_formats (caps, c->gpu_formats, GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY);
  append_formats (caps, c->formats, NULL);
  gst_element_class_add_pad_template (element, gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_pad_template (element, gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
}

static void
constructed (GObject * o)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);

  G_OBJECT_CLASS (adain_parent_class)->constructed (o);
  adain_settings_init (&self->settings, default_style_name);
  gst_video_info_init (&self->info);
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (o), TRUE);
  adain_ahead_init (self);
  goAdaInNew (self);
}

static void
finalize (GObject * o)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);

  goAdaInFree (self);
  adain_context_release (self);
  adain_settings_clear (&self->settings);
  adain_settings_clear (&self->announced);
  adain_ahead_clear (self);
  /* go-glib's own: it drops the Go object it made for this one and chains up to GstBaseTransform. */
  go_finalize (o);
}

static gboolean
start (GstBaseTransform * base)
{
  AdaInError e = { 0 };

  g_atomic_int_set (&ADAIN_FILTER (base)->late, FALSE);
  if (goAdaInStart (ADAIN_FILTER (base), &e))
    return TRUE;
  adain_context_release (ADAIN_FILTER (base));
  adain_post_error (ADAIN_FILTER (base), &e);
  return FALSE;
}

/* Never FALSE: the base class would leave the pad active and leak it. */
static gboolean
stop (GstBaseTransform * base)
{
  AdaInError e = { 0 };

  adain_ahead_stop (ADAIN_FILTER (base));
  if (!goAdaInStop (ADAIN_FILTER (base), &e))
    adain_post_error (ADAIN_FILTER (base), &e);
  adain_context_release (ADAIN_FILTER (base));
  return TRUE;
}

/* Called once, under go-glib's registration lock: nothing here may register another Go type. */
void
adain_class_init (void *klass, const AdaInClass * c)
{
  GObjectClass *object = G_OBJECT_CLASS (klass);
  GstElementClass *element = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (adain_debug, "adainfilter", 0, "AdaIN style transfer");
  adain_parent_class = g_type_class_peek_parent (klass);
  default_style_name = g_intern_string (c->default_style);

  go_finalize = object->finalize;
  object->finalize = finalize;
  object->constructed = constructed;
  adain_install_properties (object, c);

  add_pads (element, c);
  gst_element_class_set_static_metadata (element, "AdaIN style transfer", "Filter/Effect/Video",
      "Paints video in the style of a picture; frames must be at least 8x8 pixels", "The adainfilter authors");

  base->start = start;
  base->stop = stop;
  adain_install_context (element, base);
  adain_install_negotiation (base);
  adain_install_pools (base);
  adain_install_frames (base);
  adain_install_qos (base);
  adain_install_navigation (base);
}

GType
adain_lookup_type (void)
{
  return g_type_from_name (ADAIN_TYPE_NAME);
}

gboolean
adain_register (void *plugin, GType type)
{
  return gst_element_register (plugin, "adainfilter", GST_RANK_NONE, type);
}
