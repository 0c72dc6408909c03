<?xml version="1.0" encoding="UTF-8"?>
<!-- The native envelope's lines as a table, for the output csv or xlsx. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/envelope">
    <rows delimiter=";">
      <xsl:for-each select="fields/table[@name='lines']/row">
        <row>
          <col name="Order"><xsl:value-of select="/envelope/fields/field[@name='order_number']"/></col>
          <col name="SKU"><xsl:value-of select="field[@name='sku']"/></col>
          <col name="Quantity"><xsl:value-of select="field[@name='quantity']"/></col>
        </row>
      </xsl:for-each>
    </rows>
  </xsl:template>
</xsl:stylesheet>
