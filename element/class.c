#include "libgstcuda.h"
#include "_cgo_export.h"

GST_DEBUG_CATEGORY (adain_debug);

/* Any other format in GPU memory must first be one that GStreamer 1.22 allocates there: others abort the program. */
#define FORMATS "{ RGB, BGR, RGBA, BGRA, RGBx, BGRx, NV12, I420 }"
#define CAPS GST_VIDEO_CAPS_MAKE_WITH_FEATURES (GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY, FORMATS) ";" GST_VIDEO_CAPS_MAKE (FORMATS)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (CAPS));

GstBaseTransformClass *adain_parent_class;

static void (*go_finalize) (GObject *);
static const gchar *default_style_name;

static void
constructed (GObject * o)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);

  G_OBJECT_CLASS (adain_parent_class)->constructed (o);
  adain_settings_init (&self->settings, default_style_name);
  gst_video_info_init (&self->info);
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (o), TRUE);
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
  /* go-glib's own: it drops the Go object it made for this one and chains up to GstBaseTransform. */
  go_finalize (o);
}

static gboolean
start (GstBaseTransform * base)
{
  AdaInError e = { 0 };

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

  gst_element_class_add_static_pad_template (element, &sink_template);
  gst_element_class_add_static_pad_template (element, &src_template);
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
