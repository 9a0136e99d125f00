/* What each property is called, says, takes and is without being set. */
#include "specs.h"

static GType
enum_type (gsize * type, const gchar * name, const GEnumValue * values)
{
  if (g_once_init_enter (type)) {
    GType t = g_enum_register_static (name, values);
    gst_type_mark_as_plugin_api (t, 0);
    g_once_init_leave (type, t);
  }
  return *type;
}

/* The values are indices into the lists of settings.go. */
static GType
device_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {0, "CUDA where a usable GPU is, else the CPU", "auto"},
    {1, "NVIDIA GPU", "cuda"},
    {2, "CPU", "cpu"},
    {0, NULL, NULL}
  };
  return enum_type (&type, "GstAdaInDevice", values);
}

static GType
precision_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {0, "half where the hardware has it and the picture stays the same, else float32", "auto"},
    {1, "32-bit floating point", "float32"},
    {2, "16-bit floating point: bfloat16 on a CPU, float16 on a GPU", "half"},
    {3, "8-bit integers on a CPU, with weights that were calibrated for it", "int8"},
    {0, NULL, NULL}
  };
  return enum_type (&type, "GstAdaInPrecision", values);
}

static GType
hdr_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    {0, "frames whose caps say PQ or HLG are tone-mapped for the network and the result is mapped back", "auto"},
    {1, "the network sees the frame's own values", "off"},
    {0, NULL, NULL}
  };
  return enum_type (&type, "GstAdaInHdr", values);
}

static void
make_style_specs (GParamSpec ** properties, const AdaInClass * c)
{
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  properties[PROP_STYLE] = g_param_spec_string ("style", "Style", g_intern_string (c->style_blurb),
      g_intern_string (c->default_style), playing);
  properties[PROP_STYLES] = gst_param_spec_array ("styles", "Styles",
      "The names in style as a list of strings, for programs: commas and backslashes mean themselves. Setting one sets the other", NULL, playing);
  /* No element type: GLib would replace the integers of <1,2> by 0. */
  properties[PROP_STYLE_WEIGHTS] = gst_param_spec_array ("style-weights", "Style weights",
      "Shares of the styles in a mix, one number of 0 or more for each; only their ratio matters. Empty: equal shares. "
      "Set it together with style in one call to change both at once", NULL, playing);
  properties[PROP_STYLE_STATISTICS] = g_param_spec_boxed ("style-statistics", "Style statistics",
      "Statistics to use in place of style, until style is set again. A structure " ADAIN_STATISTICS_NAME " with the fields network "
      "(string), mean and std (arrays of double, one value per channel). Without fields, or NULL: none, which is the default",
      GST_TYPE_STRUCTURE, playing);
  properties[PROP_CURRENT_STATISTICS] = g_param_spec_boxed ("current-statistics", "Current statistics",
      "The statistics in force, with a mask those of the white region, in a transition where it is: as style-statistics takes them. "
      "Without fields where there are none yet", GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_STYLE_SIZE] = g_param_spec_int ("style-size", "Style size",
      "Short side in pixels to which style pictures are scaled when they are read: larger gives larger strokes. "
      "0 keeps the picture's own size", 0, 4096, 512, playing);
  properties[PROP_MASK] = g_param_spec_string ("mask", "Mask",
      "Picture that divides frames, stretched to their size: white takes the first style, black the second, grey both. style must "
      "name two; they are not mixed and style-weights does nothing. adain-style says what became of it. Empty: no mask", "",
      playing);
  properties[PROP_TRANSITION] = g_param_spec_uint64 ("transition", "Transition",
      "Running time in nanoseconds in which the statistics go from those in force to new ones when style, style-weights or "
      "style-statistics change. It holds for the changes that follow", 0, G_MAXUINT64, 0, playing);
}

static void
make_frame_specs (GParamSpec ** properties, const AdaInClass * c)
{
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  properties[PROP_ALPHA] = g_param_spec_double ("alpha", "Alpha",
      "Strength of the style: 0 passes frames through untouched, 1 is the full style", 0.0, 1.0, 1.0,
      playing | GST_PARAM_CONTROLLABLE);
  properties[PROP_PRESERVE_COLOR] = g_param_spec_boolean ("preserve-color", "Preserve color",
      "Take only the luminance from the style and the colour from the frame", FALSE, playing);
  properties[PROP_SMOOTHING] = g_param_spec_double ("smoothing", "Smoothing",
      g_intern_string (c->smoothing_blurb), 0.0, 1.0, DEFAULT_SMOOTHING, playing | GST_PARAM_CONTROLLABLE);
  properties[PROP_MOTION] = g_param_spec_boolean ("motion", "Motion",
      "With smoothing: let the result follow the film's motion. Without it smoothing acts where the film rests only",
      DEFAULT_MOTION, playing);
  properties[PROP_NAVIGATION] = g_param_spec_boolean ("navigation", "Navigation",
      "Keys of a video window change properties: up and down alpha by 0.05; right and left go through the names in style, each "
      "alone, or through the built-in styles where style has one name. With a mask right and left do nothing", FALSE, playing);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics of frames",
      "A structure adain-stats of what became of frames since the start: processed and dropped (numbers), average-ms and p95-ms (what the "
      "engine took for one of the newest 64, in milliseconds), latency (nanoseconds, as the element says it in live pipelines) and "
      "processing-size (pixels, the short side at which the network sees frames now)", GST_TYPE_STRUCTURE,
      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

static void
make_colour_specs (GParamSpec ** properties)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  properties[PROP_LUT] = g_param_spec_string ("lut", "Look-up table",
      "File (.cube) of a look-up table that makes what the network sees of the frame's colours, as for footage in log. With it or "
      "output-lut hdr does nothing, and alpha 0 shows what the tables make of the network's unstyled picture. Empty: none", "", ready);
  properties[PROP_OUTPUT_LUT] = g_param_spec_string ("output-lut", "Output look-up table",
      "File (.cube) of a look-up table that makes the frame's colours of the network's result. Empty: none", "", ready);
  properties[PROP_HDR] = g_param_spec_enum ("hdr", "High dynamic range",
      "What is done with frames of high dynamic range (PQ or HLG of ITU-R BT.2100)", hdr_type (), 0, ready);
}

static void
make_network_specs (GParamSpec ** properties, const AdaInClass * c)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  properties[PROP_WEIGHTS] = g_param_spec_string ("weights", "Weights",
      "Built-in network, lite or fine, or weights file (.safetensors); ./fine is the file. Empty: lite", "", ready);
  properties[PROP_PROCESSING_SIZE] = g_param_spec_int ("processing-size", "Processing size",
      "Short side in pixels at which the network sees frames; the result is brought back to their size along their edges. Smaller is "
      "faster and gives larger strokes. 0, or what is at least the frame's short side: the frame's size; -1: the largest that keeps up "
      "with the frames on this machine, found while they play; else at least 8", -1, G_MAXINT, 0, ready);
  properties[PROP_DEVICE] = g_param_spec_enum ("device", "Device", "Hardware that computes", device_type (), 0, ready);
  properties[PROP_DEVICE_ID] = g_param_spec_int ("device-id", "Device ID",
      "Which GPU, as the driver counts them from 0. -1: the one that the elements around use, else the first", -1, G_MAXINT, -1,
      ready);
  properties[PROP_THREADS] = g_param_spec_int ("threads", "Threads",
      "Threads that compute on the CPU. 0: one for each core this process may use", 0, c->max_threads, 0, ready);
  properties[PROP_PRECISION] = g_param_spec_enum ("precision", "Precision", "Number format inside the network",
      precision_type (), 0, ready);
}

/* Fills all entries but that of PROP_0. */
void
adain_make_specs (GParamSpec ** properties, const AdaInClass * c)
{
  make_style_specs (properties, c);
  make_colour_specs (properties);
  make_frame_specs (properties, c);
  make_network_specs (properties, c);
}
