#include "page_device.h"

#include <algorithm>
#include <cmath>

namespace quintet::pdf {

namespace {

constexpr std::size_t kMaxRules = 20'000;
constexpr std::size_t kMaxImages = 5'000;
constexpr float kMaxRuleThickness = 3.0F;  // points; a thicker bar is a picture or a background
constexpr float kMinRuleLength = 3.0F;

/// Derived in C's way: MuPDF allocates it and knows only its first member.
struct PageDevice {
  fz_device super;
  fz_device* text;
  PageMarks* marks;
};

PageDevice& self(fz_device* device) noexcept {
  return *reinterpret_cast<PageDevice*>(device);
}

/// `push_back` that turns a lack of memory into MuPDF's exception, before which nothing here needs
/// destroying.
void add_box(fz_context* context, std::vector<Box>& boxes, Box box) {
  bool is_added = false;
  try {
    boxes.push_back(box);
    is_added = true;
  } catch (const std::bad_alloc&) {
    is_added = false;
  }
  if (!is_added) fz_throw(context, FZ_ERROR_MEMORY, "no memory for the rules of a page");
}

/// One path, walked: straight pieces along an axis become rules.
struct PathWalk {
  PageDevice* device;
  fz_matrix ctm;
  fz_rect scissor;
  float thickness;  // of the stroke on the page; 0 = the path is filled
  fz_point start, at;
  fz_rect extent;  // of the filled subpath so far
  int n_points;
  bool is_straight;
};

void note_rule(fz_context* context, PathWalk& walk, fz_rect rect) {
  std::vector<Box>& rules = walk.device->marks->rules;
  if (rules.size() >= kMaxRules) return;
  // Empty rectangles are empty sets to MuPDF: the intersection is taken by hand.
  const float x0 = std::max(rect.x0, walk.scissor.x0);
  const float y0 = std::max(rect.y0, walk.scissor.y0);
  const float x1 = std::min(rect.x1, walk.scissor.x1);
  const float y1 = std::min(rect.y1, walk.scissor.y1);
  if (!(x0 <= x1 && y0 <= y1)) return;
  const float width = x1 - x0;
  const float height = y1 - y0;
  if (std::min(width, height) > kMaxRuleThickness || std::max(width, height) < kMinRuleLength) return;
  if (std::max(width, height) < 2 * std::min(width, height)) return;
  add_box(context, rules, Box{x0, y0, x1, y1});
}

void end_subpath(fz_context* context, PathWalk& walk) {
  if (walk.thickness == 0 && walk.is_straight && walk.n_points >= 2) note_rule(context, walk, walk.extent);
  walk.n_points = 0;
  walk.is_straight = true;
}

void add_point(PathWalk& walk, fz_point point) {
  if (walk.n_points == 0) walk.extent = {point.x, point.y, point.x, point.y};
  walk.extent = {std::min(walk.extent.x0, point.x), std::min(walk.extent.y0, point.y),
                 std::max(walk.extent.x1, point.x), std::max(walk.extent.y1, point.y)};
  if (walk.n_points < 1000) ++walk.n_points;
}

void move_to(fz_context* context, void* argument, float x, float y) {
  auto& walk = *static_cast<PathWalk*>(argument);
  end_subpath(context, walk);
  walk.start = walk.at = fz_transform_point_xy(x, y, walk.ctm);
  add_point(walk, walk.at);
}

void straight_to(fz_context* context, PathWalk& walk, fz_point to) {
  const float dx = std::fabs(to.x - walk.at.x);
  const float dy = std::fabs(to.y - walk.at.y);
  if (walk.thickness > 0) {
    if (std::min(dx, dy) < 0.5F) {
      const float half = walk.thickness / 2;
      const bool is_level = dy < dx;
      const fz_rect rect = {std::min(walk.at.x, to.x) - (is_level ? 0 : half),
                            std::min(walk.at.y, to.y) - (is_level ? half : 0),
                            std::max(walk.at.x, to.x) + (is_level ? 0 : half),
                            std::max(walk.at.y, to.y) + (is_level ? half : 0)};
      note_rule(context, walk, rect);
    }
  } else if (std::min(dx, dy) > 0.5F) {
    walk.is_straight = false;  // a slanted edge: no box
  }
  walk.at = to;
  add_point(walk, to);
}

void line_to(fz_context* context, void* argument, float x, float y) {
  auto& walk = *static_cast<PathWalk*>(argument);
  straight_to(context, walk, fz_transform_point_xy(x, y, walk.ctm));
}

void curve_to(fz_context*, void* argument, float, float, float, float, float x, float y) {
  auto& walk = *static_cast<PathWalk*>(argument);
  walk.is_straight = false;
  walk.at = fz_transform_point_xy(x, y, walk.ctm);
}

void close_path(fz_context* context, void* argument) {
  auto& walk = *static_cast<PathWalk*>(argument);
  straight_to(context, walk, walk.start);
}

void walk_path(fz_context* context, fz_device* device, const fz_path* path, fz_matrix ctm, float thickness) {
  if (self(device).marks->rules.size() >= kMaxRules) return;
  static const fz_path_walker kWalker = {move_to, line_to, curve_to, close_path,
                                         nullptr, nullptr, nullptr,  nullptr};
  PathWalk walk{&self(device), ctm, fz_device_current_scissor(context, device), thickness, {}, {}, {}, 0,
                true};
  fz_walk_path(context, path, &kWalker, &walk);
  end_subpath(context, walk);
}

void fill_path(fz_context* context, fz_device* device, const fz_path* path, int, fz_matrix ctm,
               fz_colorspace*, const float*, float alpha, fz_color_params) {
  if (alpha > 0) walk_path(context, device, path, ctm, 0);
}

void stroke_path(fz_context* context, fz_device* device, const fz_path* path, const fz_stroke_state* stroke,
                 fz_matrix ctm, fz_colorspace*, const float*, float alpha, fz_color_params) {
  // A width of 0 means the thinnest line that the device can draw.
  const float thickness = std::max(stroke->linewidth * fz_matrix_expansion(ctm), 0.1F);
  if (alpha > 0 && thickness <= kMaxRuleThickness) walk_path(context, device, path, ctm, thickness);
}

int n_glyphs(const fz_text* text) noexcept {
  int n = 0;
  for (const fz_text_span* span = text->head; span != nullptr; span = span->next) n += span->len;
  return n;
}

void fill_text(fz_context* context, fz_device* device, const fz_text* text, fz_matrix ctm,
               fz_colorspace* colorspace, const float* color, float alpha, fz_color_params params) {
  self(device).marks->n_visible_glyphs += n_glyphs(text);
  fz_fill_text(context, self(device).text, text, ctm, colorspace, color, alpha, params);
}

void stroke_text(fz_context* context, fz_device* device, const fz_text* text, const fz_stroke_state* stroke,
                 fz_matrix ctm, fz_colorspace* colorspace, const float* color, float alpha,
                 fz_color_params params) {
  self(device).marks->n_visible_glyphs += n_glyphs(text);
  fz_stroke_text(context, self(device).text, text, stroke, ctm, colorspace, color, alpha, params);
}

void clip_text(fz_context* context, fz_device* device, const fz_text* text, fz_matrix ctm, fz_rect scissor) {
  self(device).marks->n_visible_glyphs += n_glyphs(text);
  fz_clip_text(context, self(device).text, text, ctm, scissor);
}

void clip_stroke_text(fz_context* context, fz_device* device, const fz_text* text,
                      const fz_stroke_state* stroke, fz_matrix ctm, fz_rect scissor) {
  self(device).marks->n_visible_glyphs += n_glyphs(text);
  fz_clip_stroke_text(context, self(device).text, text, stroke, ctm, scissor);
}

void ignore_text(fz_context* context, fz_device* device, const fz_text* text, fz_matrix ctm) {
  self(device).marks->n_invisible_glyphs += n_glyphs(text);
  fz_ignore_text(context, self(device).text, text, ctm);
}

void note_image(fz_context* context, fz_device* device, fz_matrix ctm) {
  std::vector<Box>& images = self(device).marks->images;
  if (images.size() >= kMaxImages) return;
  const fz_rect shown =
      fz_intersect_rect(fz_transform_rect(fz_unit_rect, ctm), fz_device_current_scissor(context, device));
  if (fz_is_empty_rect(shown)) return;
  add_box(context, images, Box{shown.x0, shown.y0, shown.x1, shown.y1});
}

void fill_image(fz_context* context, fz_device* device, fz_image*, fz_matrix ctm, float, fz_color_params) {
  note_image(context, device, ctm);
}

void fill_image_mask(fz_context* context, fz_device* device, fz_image*, fz_matrix ctm, fz_colorspace*,
                     const float*, float, fz_color_params) {
  note_image(context, device, ctm);
}

}  // namespace

fz_device* new_page_device(fz_context* context, fz_device* text, PageMarks* marks) {
  auto* device = reinterpret_cast<PageDevice*>(fz_new_device_of_size(context, sizeof(PageDevice)));
  device->text = text;
  device->marks = marks;
  device->super.fill_path = fill_path;
  device->super.stroke_path = stroke_path;
  device->super.fill_text = fill_text;
  device->super.stroke_text = stroke_text;
  device->super.clip_text = clip_text;
  device->super.clip_stroke_text = clip_stroke_text;
  device->super.ignore_text = ignore_text;
  device->super.fill_image = fill_image;
  device->super.fill_image_mask = fill_image_mask;
  return &device->super;
}

}  // namespace quintet::pdf
