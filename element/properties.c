#include "_cgo_export.h"

enum
{
  PROP_0,
  PROP_WEIGHTS,
  PROP_STYLE,
  PROP_STYLE_WEIGHTS,
  PROP_STYLE_STATISTICS,
  PROP_CURRENT_STATISTICS,
  PROP_MASK,
  PROP_TRANSITION,
  PROP_ALPHA,
  PROP_PRESERVE_COLOR,
  PROP_SMOOTHING,
  PROP_MOTION,
  PROP_NAVIGATION,
  PROP_STYLE_SIZE,
  PROP_PROCESSING_SIZE,
  PROP_LUT,
  PROP_OUTPUT_LUT,
  PROP_HDR,
  PROP_DEVICE,
  PROP_DEVICE_ID,
  PROP_THREADS,
  PROP_PRECISION,
  PROP_STATS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];
static const gchar *default_style;

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
set_style_weights (GstAdaInFilter * self, const GValue * value)
{
  AdaInSettings *s = &self->settings;
  gdouble *weights;
  guint n;

  if (!adain_doubles_from_array (value, &weights, &n)) {
    g_free (weights);
    g_warning ("style-weights: entry %u is not a number or one too many; the old weights stay", n + 1);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_free (s->style_weights);
  s->style_weights = weights;
  s->n_style_weights = n;
  s->style_serial++;
  GST_OBJECT_UNLOCK (self);
}

/* A structure without fields is none, as hosts write it that save what is unset; so is `NULL` in a launch line. */
static void
set_style_statistics (GstAdaInFilter * self, const GstStructure * structure)
{
  AdaInSettings *s = &self->settings;

  GST_OBJECT_LOCK (self);
  adain_statistics_clear (&s->statistics);
  s->use_statistics = structure && gst_structure_n_fields (structure) > 0;
  if (s->use_statistics)
    adain_statistics_from_structure (&s->statistics, structure);
  s->style_serial++;
  GST_OBJECT_UNLOCK (self);
}

/* Takes the place of statistics that were written. */
static void
set_style (GstAdaInFilter * self, const gchar * style)
{
  AdaInSettings *s = &self->settings;
  gboolean had_statistics;

  GST_OBJECT_LOCK (self);
  g_free (s->style);
  s->style = g_strdup (style ? style : default_style);
  had_statistics = s->use_statistics;
  s->use_statistics = FALSE;
  adain_statistics_clear (&s->statistics);
  s->style_serial++;
  GST_OBJECT_UNLOCK (self);
  if (had_statistics)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STYLE_STATISTICS]);
}

static void
set_simple (GstAdaInFilter * self, guint id, const GValue * value)
{
  AdaInSettings *s = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_WEIGHTS:
      g_free (s->weights);
      s->weights = g_value_dup_string (value);
      break;
    case PROP_ALPHA:
      s->alpha = g_value_get_double (value);
      break;
    case PROP_MASK:
      g_free (s->mask);
      s->mask = g_value_dup_string (value);
      s->style_serial++;
      break;
    case PROP_TRANSITION:
      s->transition = g_value_get_uint64 (value);
      break;
    case PROP_PRESERVE_COLOR:
      s->preserve_color = g_value_get_boolean (value);
      break;
    case PROP_NAVIGATION:
      s->navigation = g_value_get_boolean (value);
      break;
    case PROP_SMOOTHING:
      s->smoothing = g_value_get_double (value);
      break;
    case PROP_MOTION:
      s->motion = g_value_get_boolean (value);
      break;
    case PROP_STYLE_SIZE:
      s->style_size = g_value_get_int (value);
      s->style_serial++;
      break;
    case PROP_PROCESSING_SIZE:
      s->processing_size = g_value_get_int (value);
      break;
    case PROP_LUT:
      g_free (s->lut);
      s->lut = g_value_dup_string (value);
      break;
    case PROP_OUTPUT_LUT:
      g_free (s->output_lut);
      s->output_lut = g_value_dup_string (value);
      break;
    case PROP_HDR:
      s->hdr = g_value_get_enum (value);
      break;
    case PROP_DEVICE:
      s->device = g_value_get_enum (value);
      break;
    case PROP_DEVICE_ID:
      s->device_id = g_value_get_int (value);
      break;
    case PROP_THREADS:
      s->threads = g_value_get_int (value);
      break;
    case PROP_PRECISION:
      s->precision = g_value_get_enum (value);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
set_property (GObject * o, guint id, const GValue * value, GParamSpec * pspec)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);

  switch (id) {
    case PROP_STYLE:
      set_style (self, g_value_get_string (value));
      break;
    case PROP_STYLE_WEIGHTS:
      set_style_weights (self, value);
      break;
    case PROP_STYLE_STATISTICS:
      set_style_statistics (self, g_value_get_boxed (value));
      break;
    default:
      if (id > PROP_0 && id < N_PROPERTIES)
        set_simple (self, id, value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (o, id, pspec);
  }
}

static void
get_property (GObject * o, guint id, GValue * value, GParamSpec * pspec)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);
  AdaInSettings *s = &self->settings;

  if (id == PROP_CURRENT_STATISTICS) {
    GstStructure *current = goAdaInStatistics (self);

    g_value_take_boxed (value, current ? current : gst_structure_new_empty (ADAIN_STATISTICS_NAME));
    return;
  }
  if (id == PROP_STATS) {
    g_value_take_boxed (value, adain_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_WEIGHTS:
      g_value_set_string (value, s->weights ? s->weights : "");
      break;
    case PROP_STYLE:
      g_value_set_string (value, s->style);
      break;
    case PROP_STYLE_WEIGHTS:
      adain_doubles_to_array (s->style_weights, s->n_style_weights, value);
      break;
    case PROP_STYLE_STATISTICS:
      g_value_take_boxed (value, adain_statistics_to_structure (&s->statistics));
      break;
    case PROP_ALPHA:
      g_value_set_double (value, s->alpha);
      break;
    case PROP_MASK:
      g_value_set_string (value, s->mask ? s->mask : "");
      break;
    case PROP_TRANSITION:
      g_value_set_uint64 (value, s->transition);
      break;
    case PROP_PRESERVE_COLOR:
      g_value_set_boolean (value, s->preserve_color);
      break;
    case PROP_NAVIGATION:
      g_value_set_boolean (value, s->navigation);
      break;
    case PROP_SMOOTHING:
      g_value_set_double (value, s->smoothing);
      break;
    case PROP_MOTION:
      g_value_set_boolean (value, s->motion);
      break;
    case PROP_STYLE_SIZE:
      g_value_set_int (value, s->style_size);
      break;
    case PROP_PROCESSING_SIZE:
      g_value_set_int (value, s->processing_size);
      break;
    case PROP_LUT:
      g_value_set_string (value, s->lut ? s->lut : "");
      break;
    case PROP_OUTPUT_LUT:
      g_value_set_string (value, s->output_lut ? s->output_lut : "");
      break;
    case PROP_HDR:
      g_value_set_enum (value, s->hdr);
      break;
    case PROP_DEVICE:
      g_value_set_enum (value, s->device);
      break;
    case PROP_DEVICE_ID:
      g_value_set_int (value, s->device_id);
      break;
    case PROP_THREADS:
      g_value_set_int (value, s->threads);
      break;
    case PROP_PRECISION:
      g_value_set_enum (value, s->precision);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (o, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static gboolean
sets_style (const GParamSpec * spec)
{
  return spec == properties[PROP_STYLE] || spec == properties[PROP_STYLE_WEIGHTS] || spec == properties[PROP_STYLE_SIZE]
      || spec == properties[PROP_MASK] || spec == properties[PROP_STYLE_STATISTICS];
}

/* GObject calls this once for all properties of one g_object_set, so that style and style-weights set together reach the
 * worker together. Another property's notification, on another thread in the middle of such a set, must not tell of its first half. */
static void
dispatch_properties_changed (GObject * o, guint n, GParamSpec ** specs)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);
  gboolean style = FALSE;

  G_OBJECT_CLASS (adain_parent_class)->dispatch_properties_changed (o, n, specs);
  for (guint i = 0; i < n; i++)
    style = style || sets_style (specs[i]);
  if (style && adain_settings_announce (self))
    goAdaInStyleChanged (self);
}

void
adain_notify_statistics (GstAdaInFilter * self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CURRENT_STATISTICS]);
}

static void
install_style_properties (const char *style_blurb)
{
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  properties[PROP_STYLE] = g_param_spec_string ("style", "Style", style_blurb, default_style, playing);
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
install_frame_properties (const char *smoothing_blurb)
{
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  properties[PROP_ALPHA] = g_param_spec_double ("alpha", "Alpha",
      "Strength of the style: 0 passes frames through untouched, 1 is the full style", 0.0, 1.0, 1.0,
      playing | GST_PARAM_CONTROLLABLE);
  properties[PROP_PRESERVE_COLOR] = g_param_spec_boolean ("preserve-color", "Preserve color",
      "Take only the luminance from the style and the colour from the frame", FALSE, playing);
  properties[PROP_SMOOTHING] = g_param_spec_double ("smoothing", "Smoothing",
      smoothing_blurb, 0.0, 1.0, DEFAULT_SMOOTHING, playing | GST_PARAM_CONTROLLABLE);
  properties[PROP_MOTION] = g_param_spec_boolean ("motion", "Motion",
      "With smoothing: let the result follow the film's motion. Without it smoothing acts where the film rests only", FALSE, playing);
  properties[PROP_NAVIGATION] = g_param_spec_boolean ("navigation", "Navigation",
      "Keys of a video window change properties: up and down alpha by 0.05; right and left go through the names in style, each "
      "alone, or through the built-in styles where style has one name. With a mask right and left do nothing", FALSE, playing);
}

static void
install_colour_properties (void)
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

void
adain_install_properties (GObjectClass * klass, const AdaInClass * c)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  default_style = g_intern_string (c->default_style);
  klass->set_property = set_property;
  klass->get_property = get_property;
  klass->dispatch_properties_changed = dispatch_properties_changed;

  install_style_properties (g_intern_string (c->style_blurb));
  install_colour_properties ();
  install_frame_properties (g_intern_string (c->smoothing_blurb));
  properties[PROP_WEIGHTS] = g_param_spec_string ("weights", "Weights",
      "Weights file (.safetensors) of the network. Empty: the built-in network", "", ready);
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
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics of frames",
      "A structure adain-stats of what became of frames since the start: processed and dropped (numbers), average-ms and p95-ms (what the "
      "engine took for one of the newest 64, in milliseconds), latency (nanoseconds, as the element says it in live pipelines) and "
      "processing-size (pixels, the short side at which the network sees frames now)", GST_TYPE_STRUCTURE,
      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (klass, N_PROPERTIES, properties);
}
