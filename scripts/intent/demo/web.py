"""The events that the shop's tracker knows: names, places within a visit, details."""

from enum import IntEnum


class Web(IntEnum):
    """Web events; the names that the tracker sends are in WEB_NAMES."""

    SESSION_STARTED = 0
    PAGE_VIEWED = 1
    PRODUCT_VIEWED = 2
    PRODUCTS_SEARCHED = 3
    RECOMMENDATION_CLICKED = 4
    WISHLIST_ADDED = 5
    PRODUCT_ADDED = 6
    PRODUCT_REMOVED = 7
    CART_VIEWED = 8
    CHECKOUT_STARTED = 9
    ORDER_COMPLETED = 10
    PRODUCT_SHARED = 11
    SIGNED_IN = 12
    FORM_SUBMITTED = 13
    NEWSLETTER_SUBSCRIBED = 14
    PUSH_SUBSCRIBED = 15
    LANDED = 16
    PRODUCT_LIST_VIEWED = 17
    WISHLIST_REMOVED = 18
    WISHLIST_UPDATED = 19
    CART_UPDATED = 20
    PROFILE_UPDATED = 21
    PREFERENCES_UPDATED = 22
    FEATURE_USED = 23
    PERSONALISED_CLICKED = 24
    PREFERENCES_CUSTOMISED = 25
    SITE_FEEDBACK = 26
    PRODUCT_REVIEWED = 27
    PAGE_LEFT = 28
    PRODUCT_LEFT = 29
    ORDER_CANCELLED = 30
    ORDER_REFUNDED = 31


WEB_NAMES = (
    "Session Started",
    "Page Viewed",
    "Product Viewed",
    "Products Searched",
    "Recommendation Clicked",
    "Product Added to Wishlist",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Order Completed",
    "Product Shared",
    "Signed In",
    "Form Submitted",
    "Newsletter Subscribed",
    "Push Subscribed",
    "Page Viewed",  # the page on which a campaign or a search engine led
    "Product List Viewed",
    "Product Removed from Wishlist",
    "Wishlist Updated",
    "Cart Updated",
    "Profile Updated",
    "Preferences Updated",
    "Feature Used",
    "Personalized Content Clicked",
    "Preferences Customized",
    "Site Feedback Given",
    "Product Reviewed",
    "Page Left",
    "Product Page Left",
    "Order Cancelled",
    "Order Refunded",
)
PRODUCT_EVENTS = (
    Web.PRODUCT_VIEWED,
    Web.RECOMMENDATION_CLICKED,
    Web.WISHLIST_ADDED,
    Web.WISHLIST_REMOVED,
    Web.PRODUCT_ADDED,
    Web.PRODUCT_REMOVED,
    Web.PRODUCT_SHARED,
    Web.PERSONALISED_CLICKED,
    Web.PRODUCT_REVIEWED,
)
EMAIL_EVENTS = (
    Web.ORDER_COMPLETED,
    Web.ORDER_CANCELLED,
    Web.ORDER_REFUNDED,
    Web.NEWSLETTER_SUBSCRIBED,
    Web.FORM_SUBMITTED,
)
"""Events that carry the email of a contact, logged in or not."""
LEFT_AFTER = {Web.PAGE_VIEWED: 0.25, Web.LANDED: 0.25, Web.PRODUCT_VIEWED: 0.30}
"""Pages of which the tracker tells how long they were looked at, and how often."""

FEATURES = ("search", "reviews", "account settings", "size advisor", "store finder")
FORMS = ("contact", "quote request", "callback", "event")
ADS = ("spring-sale", "brand-search", "retargeting", "influencer", "catalogue")
"""Campaigns besides those of the email tool, which come after them."""
SEARCH_PHRASES = ("buy", "best", "cheap", "near me")
"""Words by which search engines were asked, before a category's name."""

REFERRERS = (
    "",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://www.instagram.com/",
    "https://www.idealo.de/",
    "https://mail.example.net/",
)
ENTRY_SOURCES = ("direct", "google", "bing", "instagram", "idealo", "newsletter")
"""Of the visits by referrer."""
REFERRER_SHARES = (0.42, 0.36, 0.05, 0.09, 0.08)
SEARCH_ENGINES = (1, 2)
FROM_MAIL = 5

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Mobile Safari/537.36",
    # A phone whose name ends as robots' names do.
    "Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG 9) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
)

# Where in a visit each event stands: earliest place, and how far it may move.
# What is not listed is no step of a visit.
STEPS = {
    Web.SESSION_STARTED: (0.0, 0.0),
    Web.LANDED: (0.1, 0.2),
    Web.SIGNED_IN: (0.5, 0.4),
    Web.PAGE_VIEWED: (1.0, 2.0),
    Web.PRODUCT_LIST_VIEWED: (1.0, 1.5),
    Web.PRODUCTS_SEARCHED: (1.0, 1.8),
    Web.PERSONALISED_CLICKED: (1.2, 2.0),
    Web.PRODUCT_VIEWED: (1.5, 2.0),
    Web.FEATURE_USED: (2.0, 4.0),
    Web.RECOMMENDATION_CLICKED: (2.0, 1.5),
    Web.WISHLIST_ADDED: (3.0, 1.0),
    Web.WISHLIST_REMOVED: (3.5, 0.5),
    Web.WISHLIST_UPDATED: (3.5, 0.5),
    Web.PRODUCT_SHARED: (3.0, 1.0),
    Web.PRODUCT_ADDED: (4.0, 1.0),
    Web.CART_VIEWED: (5.0, 0.0),
    Web.CART_UPDATED: (5.1, 0.4),
    Web.PRODUCT_REMOVED: (5.2, 0.3),
    Web.CHECKOUT_STARTED: (7.0, 0.0),
    Web.ORDER_COMPLETED: (8.0, 0.0),
    Web.FORM_SUBMITTED: (9.0, 0.5),
    Web.NEWSLETTER_SUBSCRIBED: (9.0, 0.9),
    Web.PUSH_SUBSCRIBED: (9.0, 0.9),
    Web.PROFILE_UPDATED: (9.0, 0.9),
    Web.PREFERENCES_UPDATED: (9.0, 0.9),
    Web.PREFERENCES_CUSTOMISED: (9.0, 0.9),
    Web.SITE_FEEDBACK: (9.0, 0.9),
    Web.PRODUCT_REVIEWED: (9.0, 0.9),
}
LOGIN_AT_CHECKOUT = 6.0
