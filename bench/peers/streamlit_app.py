"""The Demand page in Streamlit, with its caching on."""

import queries
import streamlit as st

st.set_page_config(page_title="Demand", layout="wide")
frame = st.cache_data(queries.frame)

st.title("Demand")
left, right = st.columns(2)
left.metric("Net sales, last 4 weeks", f"${frame('net_sales')['value'][0]:,.0f}")
right.metric("Baskets, last 4 weeks", f"{frame('baskets')['value'][0]:,}")
st.line_chart(frame("sales_by_week"), x="week", y="net_sales")
left, right = st.columns(2)
left.bar_chart(frame("by_department"), x="department", y="net_sales", horizontal=True)
right.bar_chart(frame("by_store_group"), x="store_group", y="net_sales", horizontal=True)
left.line_chart(frame("units"), x="week", y="units")
right.line_chart(frame("discount"), x="week", y="rate")
left.line_chart(frame("basket_size"), x="week", y="basket")
right.bar_chart(frame("movers"), x="category", y="net_sales", horizontal=True)
st.dataframe(frame("rows"))
